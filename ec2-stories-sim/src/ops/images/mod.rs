//! Images: registered, copied, made of instances, shared, deprecated, deregistered.

mod attributes;
mod check;
mod copy;
mod create;
mod deprecation;
mod deregister;
mod describe;
mod filters;
mod register;
mod virtualization;

#[cfg(test)]
mod tests;

pub(crate) use attributes::{describe_image_attribute, modify_image_attribute, reset_image_attribute};
pub(crate) use check::{check_accounts, check_description, is_account};
pub(crate) use copy::copy_image;
pub(crate) use create::create_image;
pub(crate) use deprecation::{disable_image_deprecation, enable_image_deprecation};
pub(crate) use deregister::deregister_image;
pub(crate) use describe::describe_images;
pub(crate) use register::register_image;
