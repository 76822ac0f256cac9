"""Make the files in ``docs/share/``: manual pages and completions for shells."""
