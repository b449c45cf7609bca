use ec2_stories_core::Deployment;
use ec2_stories_core::memory::MemoryCloud;

fn main() {
    let _ = Deployment::builder().name("shop").cloud(MemoryCloud::new()).build();
}
