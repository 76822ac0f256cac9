"""What makes the files in ``share/``: manual pages and completions for shells."""
