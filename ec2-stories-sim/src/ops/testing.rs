//! Handlers called as dispatch calls them.

use std::fmt::Debug;

use crate::access::Principal;
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::{ApiError, Params, Request};

pub(super) struct Bench {
    pub(super) cloud: Cloud,
    pub(super) ctx: Ctx,
}

type Handler<R> = fn(&mut Cloud, &Ctx, R) -> Result<<R as Request>::Response, ApiError>;

impl Bench {
    pub(super) fn new() -> Self {
        let principal =
            Principal { arn: "arn:aws:iam::123456789012:user/test".into(), user_id: "AIDATEST".into() };
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        Self {
            cloud: Cloud::new("eu-west-1", None),
            ctx: Ctx::new(now, "eu-west-1", "123456789012", principal, 7),
        }
    }

    /// Calls a handler with the parameters of `form`, which need not name the action.
    pub(super) fn call<R: Request>(
        &mut self,
        handler: Handler<R>,
        form: &str,
    ) -> Result<R::Response, ApiError> {
        let params = Params::from_form(format!("Action=Any&{form}").as_bytes())?;
        handler(&mut self.cloud, &self.ctx, R::parse(&params)?)
    }

    /// The code that a call is refused with.
    pub(super) fn refusal<R: Request>(&mut self, handler: Handler<R>, form: &str) -> String
    where
        R::Response: Debug,
    {
        self.call(handler, form).expect_err("refused").code.into_owned()
    }
}
