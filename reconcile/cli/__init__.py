"""The command line: one options dataclass and one run function per command. Only here is anything printed."""
