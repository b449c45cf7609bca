//! Who can log in to a host.

use std::fmt::Write as _;

use super::super::user_data::CloudConfig;
use super::rights::Rights;

/// What images call their own user, beside the one of the options.
const USUAL: [&str; 3] = ["admin", "ubuntu", "ec2-user"];
/// The first uid that distributions give to people; the others follow.
pub(super) const FIRST_UID: u32 = 1000;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) home: String,
    pub(super) shell: String,
    pub(super) keys: Vec<String>,
    pub(super) sudo: bool,
}

/// Root and everyone else, the default user first.
pub(super) fn accounts(
    default: &str,
    rights: Rights,
    public_key: Option<&str>,
    config: &CloudConfig,
) -> Vec<Account> {
    let everyone: Vec<String> =
        public_key.map(str::to_owned).into_iter().chain(config.ssh_authorized_keys.iter().cloned()).collect();
    let mut accounts: Vec<Account> = Vec::new();
    let mut add = |name: &str, shell: Option<&str>, keys: Vec<String>, sudo: bool| {
        if name == "root" || accounts.iter().any(|account| account.name == name) {
            return;
        }
        let uid = match rights {
            Rights::Root => FIRST_UID + accounts.len() as u32,
            Rights::User => FIRST_UID,
        };
        accounts.push(Account {
            name: name.to_owned(),
            uid,
            home: format!("/home/{name}"),
            shell: shell.unwrap_or("/bin/bash").to_owned(),
            keys,
            sudo,
        });
    };
    if config.wants_default_user() {
        for name in [default].iter().chain(&USUAL) {
            add(name, None, everyone.clone(), true);
        }
    }
    for user in config.users() {
        add(&user.name, user.shell.as_deref(), user.ssh_authorized_keys.clone(), user.may_sudo());
    }
    if rights == Rights::Root {
        let (name, home, shell) = ("root".to_owned(), "/root".to_owned(), "/bin/bash".to_owned());
        accounts.push(Account { name, uid: 0, home, shell, keys: everyone, sudo: false });
    }
    accounts
}

/// `/etc/passwd`, `/etc/shadow` and `/etc/group`: this machine's, and the accounts.
pub(super) struct Databases {
    pub(super) passwd: String,
    pub(super) shadow: String,
    pub(super) group: String,
}

impl Databases {
    /// From this machine's `passwd` and `group`.
    pub(super) fn with(accounts: &[Account], passwd: &str, group: &str) -> Self {
        let mut databases = Self { passwd: String::new(), shadow: String::new(), group: String::new() };
        let people: Vec<&Account> = accounts.iter().filter(|account| account.uid != 0).collect();
        let ours = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or_default();
            let id = fields.nth(1).and_then(|id| id.parse().ok());
            people.iter().any(|account| account.name == name || Some(account.uid) == id)
        };
        for line in passwd.lines().filter(|line| !ours(line)) {
            let name = line.split(':').next().unwrap_or_default();
            let _ = writeln!(databases.passwd, "{line}");
            let _ = writeln!(databases.shadow, "{name}:*:19000:0:99999:7:::");
        }
        // With only one group known inside, a terminal of the group `tty` could not be handed over.
        for line in group.lines().filter(|line| !ours(line) && !line.starts_with("tty:")) {
            let _ = writeln!(databases.group, "{line}");
        }
        for Account { name, uid, home, shell, .. } in people {
            let _ = writeln!(databases.passwd, "{name}:x:{uid}:{uid}:{name}:{home}:{shell}");
            let _ = writeln!(databases.shadow, "{name}:*:19000:0:99999:7:::");
            let _ = writeln!(databases.group, "{name}:x:{uid}:");
        }
        databases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::user_data::UserData;

    fn config(text: &str) -> CloudConfig {
        UserData::read(text.as_bytes()).config
    }

    #[test]
    fn the_key_pair_lets_in_whoever_an_image_may_call_its_user() {
        let accounts = accounts("debian", Rights::Root, Some("ssh-ed25519 K"), &config(""));
        let names: Vec<_> = accounts.iter().map(|account| (account.name.as_str(), account.uid)).collect();
        assert_eq!(
            names,
            [("debian", 1000), ("admin", 1001), ("ubuntu", 1002), ("ec2-user", 1003), ("root", 0)]
        );
        assert!(accounts.iter().all(|account| account.keys == ["ssh-ed25519 K"]));
    }

    #[test]
    fn users_of_the_cloud_config_take_the_place_of_the_default_one() {
        let config = config("#cloud-config\nusers: [{name: ada, ssh_authorized_keys: [ssh-ed25519 A]}]\n");
        let accounts = accounts("admin", Rights::User, Some("ssh-ed25519 K"), &config);
        assert_eq!(accounts.len(), 1);
        assert_eq!((accounts[0].name.as_str(), accounts[0].uid, accounts[0].sudo), ("ada", 1000, false));
        assert_eq!(accounts[0].keys, ["ssh-ed25519 A"]);
    }

    #[test]
    fn this_machines_own_people_make_room() {
        let accounts = accounts("admin", Rights::User, None, &config(""));
        let passwd = "root:x:0:0:root:/root:/bin/bash\nsshd:x:101:65534::/run/sshd:/bin/false\nme:x:1000:1000::/home/me:/bin/zsh\n";
        let databases = Databases::with(&accounts, passwd, "root:x:0:\ntty:x:5:\nme:x:1000:\n");
        assert!(databases.passwd.starts_with("root:x:0:0") && databases.passwd.contains("sshd:x:101"));
        assert!(databases.passwd.contains("admin:x:1000:1000:admin:/home/admin:/bin/bash"));
        assert!(!databases.passwd.contains("/home/me") && !databases.group.contains("tty"));
    }
}
