use ec2_stories_core::Fleet;

fn main() {
    let _ = Fleet::builder().name("web").nodes(3).build();
}
