//! Who made a commit: a person or a program.

/// Words that only programs have in their names: `k8s-renovate`, `bot-ross`, `Renovate Bot`. A name that merely ends in `bot` may be a
/// person's.
const WORDS: [&str; 10] = [
    "allcontributors",
    "bot",
    "dependabot",
    "fluxbot",
    "fluxcdbot",
    "imgbot",
    "mergify",
    "renovate",
    "renovatebot",
    "snykbot",
];

/// Programs by their whole names, words joined by spaces.
const NAMES: [&str; 15] = [
    "actions user",
    "argocd image updater",
    "flux",
    "flux automation",
    "flux cd",
    "flux image automation",
    "flux image updater",
    "flux system",
    "fluxcd",
    "github action",
    "github actions",
    "image automation controller",
    "pre commit ci",
    "weave flux",
    "weaveworks flux",
];

/// Addresses that programs use by default, whatever they are called.
const EMAILS: [&str; 9] = [
    "action@github.com",
    "actions@github.com",
    "flux@weave.works",
    "github-actions@github.com",
    "noreply@argoproj.io",
    "renovate@whitesourcesoftware.com",
    "support@dependabot.com",
    "support@mend.io",
    "support@weave.works",
];

/// Whether an author is a program: a word of its name or email that only programs have (GitHub's `[bot]` among them), or a known program.
pub fn is_bot(name: &str, email: &str) -> bool {
    let (name, email) = (name.to_lowercase(), email.trim().to_lowercase());
    // A company's domain says nothing: renovate.example.
    let mailbox = email.rsplit_once('@').map_or("", |(mailbox, _)| mailbox);
    let name_words: Vec<&str> = words(&name).collect();
    name_words.iter().copied().chain(words(mailbox)).any(|word| WORDS.contains(&word))
        || NAMES.contains(&&*name_words.join(" "))
        || EMAILS.contains(&&*email)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_bot;

    #[test]
    fn programs_are_told_from_people() {
        for name in [
            "renovate[bot]",
            "Renovate Bot",
            "renovate-bot",
            "k8s-renovate",
            "Mend Renovate",
            "bot-ross",
            "rosey-bot",
            "dependabot[bot]",
            "dependabot-preview[bot]",
            "fluxcdbot",
            "Flux",
            "Weave Flux",
            "github-actions",
            "GitHub Action",
            "actions-user",
            "argocd-image-updater",
            "Mergify",
            "pre-commit-ci[bot]",
            "allcontributors[bot]",
            "ImgBot",
            "mend-for-github-com[bot]",
            "snyk-bot",
        ] {
            assert!(is_bot(name, ""), "{name}");
        }
        for email in [
            "12345+helper[bot]@users.noreply.github.com",
            "helper-bot@example.org",
            "action@github.com",
            "Support@Weave.Works",
            "29139614+renovate@users.noreply.github.com",
        ] {
            assert!(is_bot("helper", email), "{email}");
        }
    }

    #[test]
    fn people_are_told_from_programs() {
        for name in ["A Maintainer", "Abbott", "Talbot", "robotnik", "Fluxus", "Johnny Flux", "botany", "root", ""] {
            assert!(!is_bot(name, "someone@example.org"), "{name}");
        }
        // Who commits in GitHub's web interface is the author all the same.
        assert!(!is_bot("someone", "noreply@github.com"));
        assert!(!is_bot("someone", "someone@renovate.example"));
        assert!(!is_bot("someone", "someone"));
    }
}
