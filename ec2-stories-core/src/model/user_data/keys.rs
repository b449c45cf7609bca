//! The keys that cloud-init knows, and what a wrong one may have meant.

/// Those of the schema of cloud-init 22.4, which is Debian 12's.
pub(super) const SCHEMA: &[&str] = &[
    "allow_public_ssh_keys",
    "ansible",
    "apk_repos",
    "apt",
    "apt_pipelining",
    "apt_reboot_if_required",
    "apt_update",
    "apt_upgrade",
    "authkey_hash",
    "autoinstall",
    "bootcmd",
    "byobu_by_default",
    "ca-certs",
    "ca_certs",
    "chef",
    "chpasswd",
    "cloud_config_modules",
    "cloud_final_modules",
    "cloud_init_modules",
    "device_aliases",
    "disable_ec2_metadata",
    "disable_root",
    "disable_root_opts",
    "disk_setup",
    "drivers",
    "fan",
    "final_message",
    "fqdn",
    "fs_setup",
    "groups",
    "growpart",
    "grub-dpkg",
    "grub_dpkg",
    "hostname",
    "keyboard",
    "landscape",
    "locale",
    "locale_configfile",
    "lxd",
    "manage_etc_hosts",
    "manage_resolv_conf",
    "mcollective",
    "migrate",
    "mount_default_fields",
    "mounts",
    "no_ssh_fingerprints",
    "ntp",
    "package_reboot_if_required",
    "package_update",
    "package_upgrade",
    "packages",
    "password",
    "phone_home",
    "power_state",
    "prefer_fqdn_over_hostname",
    "preserve_hostname",
    "puppet",
    "random_seed",
    "reporting",
    "resize_rootfs",
    "resolv_conf",
    "rh_subscription",
    "rsyslog",
    "runcmd",
    "salt_minion",
    "snap",
    "spacewalk",
    "ssh",
    "ssh_authorized_keys",
    "ssh_deletekeys",
    "ssh_fp_console_blacklist",
    "ssh_genkeytypes",
    "ssh_import_id",
    "ssh_key_console_blacklist",
    "ssh_keys",
    "ssh_publish_hostkeys",
    "ssh_pwauth",
    "ssh_quiet_keygen",
    "swap",
    "timezone",
    "ubuntu_advantage",
    "updates",
    "user",
    "users",
    "vendor_data",
    "wireguard",
    "write_files",
    "yum_repo_dir",
    "yum_repos",
    "zypper",
];

/// What later versions know beside them, and what 22.4 takes though its schema does not say so.
///
/// Source: `schema-cloud-config-v1.json` in cloud-init's repository, as of 2026; cloud-init documentation, "Merging user data sections".
const FURTHER: [&str; 12] = [
    "create_hostname_file",
    "disable_piwiz",
    "enable_rpi_connect",
    "launch-index",
    "merge_how",
    "merge_type",
    "output",
    "rpi_interfaces",
    "rpi_userconf",
    "system_info",
    "ubuntu_pro",
    "version",
];

/// Less alike than that, one word is not meant by the other; `clap` asks for as much.
const ALIKE: f64 = 0.7;

/// What to say of a key that no version of cloud-init knows.
pub(super) fn doubt(key: &str) -> Option<String> {
    let known = || SCHEMA.iter().chain(&FURTHER);
    if known().any(|known| *known == key) {
        return None;
    }
    let alike = known().map(|known| (strsim::jaro(key, known), known)).filter(|(alike, _)| *alike > ALIKE);
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    let meant = nearest.map(|(_, known)| format!("; is {known:?} meant?")).unwrap_or_default();
    Some(format!("cloud-init knows no key {key:?} and passes over it{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_the_nearest_known_one() {
        let meant = |key: &str| {
            let said = doubt(key).unwrap();
            assert!(said.contains(&format!("no key {key:?}")), "{said}");
            said.split_once("; is ").map(|(_, rest)| rest.trim_end_matches(" meant?").to_owned())
        };
        for (wrong, right) in [
            ("pakages", "packages"),
            ("run_cmd", "runcmd"),
            ("write_file", "write_files"),
            ("ssh_authorised_keys", "ssh_authorized_keys"),
            ("time_zone", "timezone"),
            ("Hostname", "hostname"),
        ] {
            assert_eq!(meant(wrong), Some(format!("{right:?}")), "{wrong}");
        }
        assert_eq!(meant("x"), None, "nothing is alike");
        assert!(["packages", "ca-certs", "ubuntu_pro", "merge_how"].iter().all(|key| doubt(key).is_none()));
    }

    #[test]
    fn no_key_is_listed_twice() {
        let all: Vec<&&str> = SCHEMA.iter().chain(&FURTHER).collect();
        let once: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(once.len(), all.len());
    }
}
