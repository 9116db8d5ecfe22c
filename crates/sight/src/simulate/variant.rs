//! The ways in which one technique can be done so that the events differ.

use catalog::{ApiId, BehaviourId, Syscall};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to do a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Through Win32, RPC or COM, with the rights the technique needs.
    Api,
    /// The same, but asking for every right to the target, as many tools do.
    AllAccess,
    /// Through the system services of ntdll.
    Native,
    /// By system calls of one's own.
    DirectSyscall,
}

impl Variant {
    /// Every variant.
    pub const ALL: [Self; 4] = [
        Self::Api,
        Self::AllAccess,
        Self::Native,
        Self::DirectSyscall,
    ];

    /// Its name on the command line and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::AllAccess => "all-access",
            Self::Native => "native",
            Self::DirectSyscall => "direct-syscall",
        }
    }

    /// What it is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Api => "through the documented calls",
            Self::AllAccess => "through the documented calls, asking for every right",
            Self::Native => "through the system services of ntdll",
            Self::DirectSyscall => "by system calls of its own",
        }
    }

    /// The variant of that name.
    pub fn named(name: &str) -> Option<Self> {
        let is = |v: &Self| v.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is)
    }

    /// The calls of a technique in this way.
    pub fn calls(self, technique: BehaviourId) -> &'static [ApiId] {
        let row = technique.row();
        match self {
            Self::Api | Self::AllAccess if !row.win32.is_empty() => row.win32,
            Self::Api | Self::AllAccess => row.native,
            Self::Native | Self::DirectSyscall => row.native,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The variants of a technique.
pub fn variants(technique: BehaviourId) -> Vec<Variant> {
    let row = technique.row();
    let mut variants = vec![Variant::Api];
    if opens_with_chosen_rights(technique) {
        variants.push(Variant::AllAccess);
    }
    if !row.native.is_empty() && !row.win32.is_empty() {
        variants.push(Variant::Native);
    }
    if row.syscall == Syscall::SameServices && !row.native.is_empty() {
        variants.push(Variant::DirectSyscall);
    }
    variants
}

/// Whether the actor opens the target and could ask for more than it needs: the catalog leaves the mask open.
fn opens_with_chosen_rights(technique: BehaviourId) -> bool {
    technique
        .expected
        .iter()
        .filter(|e| e.event.id == "sysmon:10")
        .any(|e| {
            let mut fields = e.fields.iter();
            !fields.any(|f| f.field == "GrantedAccess" && f.test == catalog::KnownTest::Is)
        })
}
