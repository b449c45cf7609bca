//! [mockall](https://docs.rs/mockall) mocks of every provider trait, for tests that say call by call what an embedding
//! program may ask for. Where a test only needs a cloud that works, [`memory`](crate::memory) is shorter.
//!
//! ```
//! use ec2_stories_core::mock::{MockCloud, MockProbe};
//! use ec2_stories_core::model::{Diagnosis, InstanceId, InstanceState};
//! use ec2_stories_core::provider::{InstanceDeployer, Liveness};
//!
//! /// What the embedding program does: ask the cloud why a node is not there.
//! async fn explain(cloud: &impl InstanceDeployer, id: &InstanceId) -> String {
//!     cloud.diagnose(id).await.to_string()
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let mut cloud = MockCloud::new();
//! let stopped = Diagnosis { state: Some(InstanceState::Stopped), ..Diagnosis::default() };
//! cloud.instances.expect_diagnose().withf(|id| id.as_str() == "i-1").times(1).return_const(stopped);
//! assert_eq!(explain(&cloud, &"i-1".into()).await, "state stopped");
//!
//! let mut probe = MockProbe::new();
//! probe.expect_check().returning(|_| Liveness::Failing("no answer".to_owned()));
//! # });
//! ```

mod cloud;
mod firewall;

pub use cloud::MockCloud;
pub use firewall::MockFirewall;

pub use crate::provider::account::MockAccountProvider;
pub use crate::provider::customizer::MockCustomizer;
pub use crate::provider::image_registry::MockImageRegistry;
pub use crate::provider::image_uploader::MockImageUploader;
pub use crate::provider::instance_deployer::MockInstanceDeployer;
pub use crate::provider::key_pairs::MockKeyPairs;
pub use crate::provider::messenger::MockMessenger;
pub use crate::provider::monitor::MockMonitor;
pub use crate::provider::probe::MockProbe;
pub use crate::provider::registrar::MockRegistrar;
pub use crate::provider::tuple_store::MockTupleStore;
