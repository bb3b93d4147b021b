"""The subcommands of ``minigrad``, by what they are about: what each reads, calls and prints."""
