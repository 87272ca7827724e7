"""What a permission's name means, in plain words: `clients:needs:read` allows to "Read needs in clients"."""

_WORDS = {
    "admin": "administration",
    "cogs": "cost of goods",
    "gl": "general ledger",
    "kpis": "KPIs",
    "todo": "to-dos",
    "vip": "VIP",
}
_PHRASES = {
    "alerts:admin": "Administer alerts",
    "admin:export:data": "Export data in administration",
    "admin:impersonate": "Act as another user",
    "admin:impersonate:audit": "View who acted as another user",
    "admin:import:data": "Import data in administration",
    "admin:migrations:rollback": "Roll back migrations in administration",
    "admin:quick_fix": "Run quick fixes in administration",
    "bad_debt:write_off": "Write off bad debt",
    "clients:bulk_operations": "Change many clients at once",
    "clients:profile:view_full": "View full profile in clients",
    "comments:delete_all": "Delete all comments",
    "comments:update_all": "Update all comments",
    "inbox:mark_read": "Mark inbox as read",
    "inventory:intake": "Take in inventory",
    "preferences:edit_all": "Edit preferences of all users",
    "quotes:convert_to_order": "Convert quotes to orders",
    "system:backup": "Back up system",
    "system:health": "View health of system",
    "system:maintenance_mode": "Switch maintenance mode of system",
    "system:metrics": "View metrics of system",
    "tags:advanced:access": "Access advanced tags",
    "tags:bulk_operations": "Change many tags at once",
    "vip_portal:customization": "Customize VIP portal",
}
"""The names that do not end in a verb, or whose verb is not one plain word."""


def describe(name: str) -> str:
    """
    Say what the permission *name* allows.

    A name is area, things and action, joined by colons; the action begins with its verb and may name a thing too.
    """
    area, *things, action = name.split(":")
    verb, *rest = action.split("_")
    objects = [*things, "_".join(rest)] if rest else things
    place = _plain(area)
    told = [verb.capitalize(), *(_plain(thing) for thing in objects), *(["in"] if objects else []), place]
    return _PHRASES.get(name, " ".join(told))


def _plain(term: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in term.split("_"))
