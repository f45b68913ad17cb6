//! Which fault a demo shows.

use anyhow::{Context as _, bail};

use super::Args;

/// A fault, by the places of its regions in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None at all.
    None,
    /// All groups of one region move to another by plan.
    Planned {
        /// Where they are.
        from: usize,
        /// Where they go.
        to: usize,
    },
    /// The process of a region is killed and later started again.
    Kill(usize),
    /// The processes of two regions are.
    KillTwo(usize, usize),
    /// The process of a region is frozen and later goes on as if nothing had happened.
    Stop(usize),
    /// The link between two regions is cut and later mended.
    Cut(usize, usize),
    /// All links of a region are.
    Isolate(usize),
}

impl Fault {
    /// What the arguments ask for.
    pub(crate) fn of(args: &Args) -> anyhow::Result<Self> {
        let place = |name: &str| {
            args.regions.iter().position(|region| region == name).with_context(|| {
                format!("`{name}` is not one of the regions {}", args.regions.join(", "))
            })
        };
        if args.planned {
            return Ok(Self::Planned { from: 0, to: 1 });
        }
        let Some(fault) = &args.fault else {
            return match args.kill.as_deref() {
                None => Ok(Self::Kill(0)),
                Some("none") => Ok(Self::None),
                Some(name) => Ok(Self::Kill(place(name)?)),
            };
        };
        let (kind, names) = match fault.split_once(':') {
            Some((kind, names)) => (kind, Some(names)),
            None => (fault.as_str(), None),
        };
        let one = || names.map_or(Ok(0), place);
        // Regions have hyphens in their names: every split into two names is tried.
        let two = || {
            let Some(names) = names else { return Ok((0, 1)) };
            let splits = names.match_indices('-').map(|(at, _)| (&names[..at], &names[at + 1..]));
            let mut found = splits.filter_map(|(a, b)| Some((place(a).ok()?, place(b).ok()?)));
            let pair = found.next().with_context(|| {
                format!("`{names}`: want two of {} with a hyphen between", args.regions.join(", "))
            })?;
            if pair.0 == pair.1 {
                bail!("`{names}` names one region twice");
            }
            anyhow::Ok(pair)
        };
        Ok(match kind {
            "stop" => Self::Stop(one()?),
            "isolate" => Self::Isolate(one()?),
            "cut" => two().map(|(a, b)| Self::Cut(a, b))?,
            "kill2" => two().map(|(a, b)| Self::KillTwo(a, b))?,
            _ => bail!("--fault {fault}: want stop, cut:A-B, isolate or kill2"),
        })
    }

    /// The regions that nobody can count on while it lasts.
    pub(crate) fn victims(self) -> Vec<usize> {
        match self {
            Self::None | Self::Planned { .. } | Self::Cut(..) => Vec::new(),
            Self::Kill(one) | Self::Stop(one) | Self::Isolate(one) => vec![one],
            Self::KillTwo(one, two) => vec![one, two],
        }
    }

    /// Whether groups move by themselves because of it.
    pub(crate) const fn is_failover(self) -> bool {
        matches!(self, Self::Kill(_) | Self::Stop(_) | Self::Isolate(_))
    }

    /// In words.
    pub(crate) fn text(self, regions: &[String]) -> String {
        let name = |index: usize| regions.get(index).map_or("?", String::as_str);
        match self {
            Self::None => "no fault".to_owned(),
            Self::Planned { from, to } => {
                format!("planned switch of all groups of {} to {}", name(from), name(to))
            }
            Self::Kill(one) => format!("SIGKILL of {}", name(one)),
            Self::KillTwo(one, two) => format!("SIGKILL of {} and {}", name(one), name(two)),
            Self::Stop(one) => format!("SIGSTOP of {}", name(one)),
            Self::Cut(one, two) => format!("cut of the link {} – {}", name(one), name(two)),
            Self::Isolate(one) => format!("cut of all links of {}", name(one)),
        }
    }
}

#[cfg(test)]
mod tests;
