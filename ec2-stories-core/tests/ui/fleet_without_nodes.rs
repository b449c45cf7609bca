use ec2_stories_core::Fleet;
use ec2_stories_core::model::Image;

fn main() {
    let _ = Fleet::builder().name("web").image(Image::public("debian-12")).build();
}
