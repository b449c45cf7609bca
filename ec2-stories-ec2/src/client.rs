//! The client.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_types::SdkConfig;
use bon::bon;
use ec2_stories_core::Result;
use ec2_stories_core::deployment::IntoJournal;
use ec2_stories_core::model::Region;
use ec2_stories_core::provider::{AccountProvider, TupleStore};
use tokio::sync::OnceCell;

use crate::api::{Api, Rates};
use crate::firewall::{PublicAddress, default_public_address};
use crate::health::Lifecycles;
use crate::images::ImportRole;
use crate::poller::Poller;

/// Amazon EC2 in one account and region. Cloning gives another handle to the same client: same poller, same buckets.
#[derive(Clone)]
pub struct Ec2(Arc<Inner>);

struct Inner {
    config: SdkConfig,
    rates: Rates,
    boot_times: Option<Arc<dyn TupleStore>>,
    api: Arc<Api>,
    poller: Poller,
    public_address: Arc<dyn PublicAddress>,
    default_vpc: OnceCell<String>,
    import_role: ImportRole,
    lifecycles: Lifecycles,
}

#[bon]
impl Ec2 {
    /// Describes a client: `Ec2::builder().config(&config).rates(rates).build()`. Only the configuration is required.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// Region, credentials, endpoint and HTTP client.
        config: &SdkConfig,
        /// How fast which calls may go.
        #[builder(default)]
        rates: Rates,
        /// How to find the address behind [`Source::MyAddress`](ec2_stories_core::model::Source::MyAddress); by
        /// default the environment variable `EC2_STORIES_MY_ADDRESS`, else <https://checkip.amazonaws.com>.
        #[builder(with = |find: impl PublicAddress + 'static| Arc::new(find))]
        public_address: Option<Arc<dyn PublicAddress>>,
        /// The role with which EC2 reads uploaded images.
        #[builder(default)]
        import_role: ImportRole,
        /// Where what is learned of boot times is kept for the next process, as the tuple `boot-times`: a fleet of a kind
        /// that any of them has seen is asked about when it is due.
        #[builder(with = |store: impl IntoJournal| store.into_journal())]
        boot_times: Option<Arc<dyn TupleStore>>,
    ) -> Self {
        let api = Arc::new(Api::new(config, rates));
        Self(Arc::new(Inner {
            config: config.clone(),
            rates,
            import_role,
            poller: Poller::new(Arc::clone(&api), boot_times.clone()),
            boot_times,
            api,
            public_address: public_address.unwrap_or_else(|| default_public_address(config)),
            default_vpc: OnceCell::new(),
            lifecycles: Lifecycles::default(),
        }))
    }

    /// Connects to the account's region. The account is asked for credentials at use, so rotated ones are picked up.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`](ec2_stories_core::ErrorKind::Credentials) where the account says no region.
    pub async fn connect(account: Arc<dyn AccountProvider>) -> Result<Self> {
        Ok(Self::from_config(&ec2_stories_core::aws::sdk_config(account).await?))
    }

    /// A client over an SDK configuration, such as the embedded cloud's `sim.sdk_config()`.
    #[must_use]
    pub fn from_config(config: &SdkConfig) -> Self {
        Self::builder().config(config).build()
    }

    /// The requests that this client has sent, by operation, the SDK's own retries included.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.0.api.calls.snapshot()
    }

    /// The same account in another region, with buckets of its own: EC2 grants its rates per region.
    #[must_use]
    pub fn in_region(&self, region: &Region) -> Self {
        let region = aws_types::region::Region::new(region.as_str().to_owned());
        let config = self.0.config.clone().into_builder().region(region).build();
        let api = Arc::new(Api::new(&config, self.0.rates));
        Self(Arc::new(Inner {
            rates: self.0.rates,
            poller: Poller::new(Arc::clone(&api), self.0.boot_times.clone()),
            boot_times: self.0.boot_times.clone(),
            api,
            public_address: Arc::clone(&self.0.public_address),
            default_vpc: OnceCell::new(),
            lifecycles: Lifecycles::default(),
            import_role: self.0.import_role.clone(),
            config,
        }))
    }

    /// The region; empty where the configuration names none.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::new(self.0.config.region().map_or("", |region| region.as_ref()))
    }

    pub(crate) fn config(&self) -> &SdkConfig {
        &self.0.config
    }

    pub(crate) fn import_role(&self) -> &ImportRole {
        &self.0.import_role
    }

    pub(crate) fn api(&self) -> &Api {
        &self.0.api
    }

    pub(crate) fn poller(&self) -> &Poller {
        &self.0.poller
    }

    pub(crate) fn lifecycles(&self) -> &Lifecycles {
        &self.0.lifecycles
    }

    pub(crate) fn public_address(&self) -> &dyn PublicAddress {
        self.0.public_address.as_ref()
    }

    pub(crate) fn default_vpc_cell(&self) -> &OnceCell<String> {
        &self.0.default_vpc
    }
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2").field("region", &self.0.api.client.config().region()).finish_non_exhaustive()
    }
}
