//! What is looked for, and under which name a finding of it is shown.

use std::fmt;

/// Why a text is held for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A key that this host uses: it was registered with a [`Mask`](crate::Mask).
    Known,
    /// 64 letters and digits near words about keys, as Binance's keys and secrets are.
    Binance,
    /// The id of an AWS access key.
    AwsAccessKeyId,
    /// The secret of an AWS access key.
    AwsSecretKey,
    /// The key of a Google service account.
    GoogleServiceAccount,
    /// A Google API key.
    GoogleApiKey,
    /// A Google OAuth token, or a client's secret.
    GoogleOauth,
    /// The secret of an Azure application.
    AzureClientSecret,
    /// The key of an Azure storage account.
    AzureStorageKey,
    /// A token of Vault or OpenBao.
    VaultToken,
    /// A GitHub token.
    GithubToken,
    /// A GitLab token.
    GitlabToken,
    /// A Slack token.
    SlackToken,
    /// The address of a Slack webhook: whoever has it can post.
    SlackWebhook,
    /// The address of a Discord webhook.
    DiscordWebhook,
    /// The token of a Telegram bot.
    TelegramToken,
    /// A token of another service whose tokens have a known beginning.
    ServiceToken,
    /// A private key in PEM.
    PrivateKey,
    /// A signed token (JWT).
    Jwt,
    /// A value without pattern, given to something whose name says that it is a secret.
    Assigned,
}

/// All of them, with the words that people see.
const WORDS: &[(Rule, &str, &str)] = &[
    (Rule::Known, "known-key", "a key that this host uses"),
    (Rule::Binance, "binance-key", "a key or a secret of Binance"),
    (Rule::AwsAccessKeyId, "aws-access-key-id", "the id of an AWS access key"),
    (Rule::AwsSecretKey, "aws-secret-key", "the secret of an AWS access key"),
    (Rule::GoogleServiceAccount, "google-service-account", "the key of a Google service account"),
    (Rule::GoogleApiKey, "google-api-key", "a Google API key"),
    (Rule::GoogleOauth, "google-oauth", "a Google token or client secret"),
    (Rule::AzureClientSecret, "azure-client-secret", "the secret of an Azure application"),
    (Rule::AzureStorageKey, "azure-storage-key", "the key of an Azure storage account"),
    (Rule::VaultToken, "vault-token", "a token of Vault or OpenBao"),
    (Rule::GithubToken, "github-token", "a GitHub token"),
    (Rule::GitlabToken, "gitlab-token", "a GitLab token"),
    (Rule::SlackToken, "slack-token", "a Slack token"),
    (Rule::SlackWebhook, "slack-webhook", "the address of a Slack webhook"),
    (Rule::DiscordWebhook, "discord-webhook", "the address of a Discord webhook"),
    (Rule::TelegramToken, "telegram-token", "the token of a Telegram bot"),
    (Rule::ServiceToken, "service-token", "a token with a known beginning"),
    (Rule::PrivateKey, "private-key", "a private key in PEM"),
    (Rule::Jwt, "jwt", "a signed token"),
    (Rule::Assigned, "assigned-secret", "a random value under the name of a secret"),
];

impl Rule {
    /// Every rule.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(rule, ..)| *rule)
    }

    /// Its name, which stays.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// What it finds, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        let found = WORDS.iter().find(|(rule, ..)| *rule == self);
        found.map_or(("key", "a key"), |(_, code, about)| (*code, *about))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
