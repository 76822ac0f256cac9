"""The settings of sphinx-needs: ``conf.py`` of the specification and of the site take them over."""

needs_types = [
    {
        "directive": "requirement",
        "title": "Requirement",
        "prefix": "",
        "color": "#ffffff",
        "style": "node",
    }
]
needs_id_required = True
needs_id_regex = r"^[A-Z]{3}-[0-9]{3}$"
needs_fields = {
    "level": {
        "description": "Requirement keyword, see the chapter Conventions.",
        "schema": {"type": "string", "enum": ["MUST", "SHOULD", "MAY"]},
        "nullable": False,
    },
}
needs_role_need_template = "{{ id }}"
needs_reproducible_json = True
needs_json_remove_defaults = True
