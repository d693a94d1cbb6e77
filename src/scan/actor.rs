//! Who made a commit: a person or a program.

/// Names of programs that commit to GitOps repositories and do not call themselves a bot.
const PROGRAMS: [&str; 6] = ["dependabot", "flux", "fluxcd", "github-actions", "renovate", "weave flux"];

/// Whether an author is a program: GitHub's `[bot]` suffix in name or email, the word `bot` in the name, or a known program.
pub fn is_bot(name: &str, email: &str) -> bool {
    let name = name.trim().to_lowercase();
    name.ends_with("[bot]")
        || email.to_lowercase().contains("[bot]@")
        || PROGRAMS.contains(&name.as_str())
        || name.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "bot" | "fluxcdbot" | "renovatebot"))
}

#[cfg(test)]
mod tests {
    use super::is_bot;

    #[test]
    fn programs_are_told_from_people() {
        for name in
            ["renovate[bot]", "Renovate Bot", "bot-ross", "fluxcdbot", "Flux", "github-actions", "dependabot[bot]"]
        {
            assert!(is_bot(name, ""), "{name}");
        }
        assert!(is_bot("helper", "12345+helper[bot]@users.noreply.github.com"));
        for name in ["Devin Buhl", "Abbott", "robotnik", ""] {
            assert!(!is_bot(name, "someone@example.org"), "{name}");
        }
    }
}
