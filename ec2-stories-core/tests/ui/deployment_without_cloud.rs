use ec2_stories_core::{Deployment, MemoryStore};

fn main() {
    let _ = Deployment::builder().name("shop").journal(MemoryStore::new()).build();
}
