//! An RSA key that was made for these tests and opens nothing.

/// PKCS#8 in base64.
pub(crate) const PKCS8: &str = "\
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDD7klgd9ic5bjrg4Un+hBvnnRUY8Adf+9XANqd\
    DnGO4UoZ9/r5peKBiZMu2K/vomH0spPfwHe+cx07Xwec0xN8iCcWrxtPWRkF+JCHnM+rjebVutwIqTgTQRw6rKtC\
    9DZ6q8ntk13bal4CeVZ2BpVD9fQuIDaC/bgSQRA+Nf6hfI+CBOX8FYgardFqRqdWxsIwwBQB23ZS1CqnbwQrN+ij\
    cavM/ZRsWXR5bYgjkl6i3Vd9pFetLbwK7clS3hB6enwXq7R7QZ+HwwnPtdQ0Kdazu4QboFHvlGPx0pbXbSJWU/EM\
    g2iR0EiySTB+y0sGvjAJsMkR8L1ZOwDBFzleZ7BdAgMBAAECggEACavifVuNGrmQNjfow79pPklBDsVZv1sIUnAd\
    WnFTE611PfDqt5YDp0dGN6LElHycfzqtZ/cVMhZ2k+6t7oTQym3iGBGOtIz+WjgZ0kfgTGSVx2kQ4XCQ7wpgvVi2\
    n3h0k/uU3SBQGruWZmLc7LiId7FVW02Fw1OI2YXSqm954Tixkc4XlExIdN6vabAJHPSHlQb/GAtbB2HuQgE9y8jp\
    r6SFMxlwmgeuMYaTDxyafCoGasg6/o7qXU9Dciv4Ka9TCFT1UIaRc9BQQT+1y5NyjvCzJtXmPDB685Nzg0prh6uX\
    HufIx0ImNtNWOt9hnkDea+sacoPn9XtbpoL6jlKW9QKBgQD6LZpmLVBKnV4TzE4qGB0qQa2/cfCm8bqqlK0x68gX\
    90MSPOomq617V7KkJh/uJQ9ik3rB9kvpa4yuGdlp8gVAvEnHNKU/cNdhxYx4suJDJV6LBPwcRwUzOPytsWpLI9S6\
    lASZNqahUc36/4dmSaoTroZQWoOE7dJm06cJru0JEwKBgQDIfYN5rvgkoRGtSS6iCwQUr1KT8hZoSa3TpPVGQcE1\
    DN42MzNX9BY7quNwt0gOJUq0rDphBw1ulCvyg18nZC0BJCW7x0ryncjAr2Wnh9Qby4OBFAaltLB+qj4z83MRRlmj\
    9BxkSKamHNtaW3KzyIO3UXhPmMYNBe7hyrpAM2J+zwKBgGFcmAcFwYaYQcGQtCa7pbYJQ3YLAK3ny06Rd+nCqedx\
    yf9yB2ovS9+BnLs3Pxvt/lPNs2uCz74ypdgnpS4PCy5LWKcW/Ox4nMmnGOjsLRQWmfmeYgMbPJHXrrZmIkjF1Acc\
    jcGWvDhx3qi9A1OyfWcVd54T67Uy3Lw5yHsDQapTAoGADzXWf6jSkpTVrnva2dhUGu2iKi83m/nbAi+FnCro6Yls\
    YlhIEOgnt6cjUi3VfZ0+qa5XT30le7oqC2AEHAzxjSCc7D4WZYmq7VNhNvCLGwC5nVVTm8a1jSaFSZOyqyDXNCUU\
    8lbAreGKkrRVY2ZW99Vqdz9z5xEIKoEi2DQNyOkCgYEAqEDWNprbCx+dyKA31HOOGM64Nx87+2a41dYqs21TIHs6\
    D9eVovYvwlka9LPWVYnTQn+OvCTWHgYi+qJxp9S8BYAD8IpCrDvLRC8zrfQsg2IcIa3k7lOMnHPE1gYhRD9KHoXT\
    /s5tO9JS1mJhtulTj8lEUR7ZEmhz1tfyqcV4X3k=";

/// In PEM.
pub(crate) fn pem() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{PKCS8}\n-----END PRIVATE KEY-----\n")
}
