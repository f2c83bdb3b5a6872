"""Sentences of Django's admin whose Polish breaks when a name is put into them.

Django inserts a name in one case only ("Dodaj transakcja"). Our catalogue comes before
Django's, so a Polish sentence that needs no other case stands there; makemessages keeps
what this list names. English stays Django's own.
"""

from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("Add %s"),
    _("Change %s"),
    _("View %s"),
    _("Select %s"),
    _("Select %s to change"),
    _("Select %s to view"),
    _("Add %(name)s"),
    _("Add another %(verbose_name)s"),
    _("Delete selected %(verbose_name_plural)s"),
    _("Cannot delete %(name)s"),
    _("Models in the %(name)s application"),
    _(" By %(filter_title)s "),
    _("Successfully deleted %(count)d %(items)s."),
    _("Changed {fields} for {name} “{object}”."),
    _("The {name} “{obj}” was added successfully."),
    _("The {name} “{obj}” was added successfully. You may add another {name} below."),
    _("The {name} “{obj}” was changed successfully."),
    _("The {name} “{obj}” was changed successfully. You may edit it again below."),
    _("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    _("The %(name)s “%(obj)s” was deleted successfully."),
    _(
        'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? '
        "All of the following related items will be deleted:"
    ),
    _(
        "Deleting the %(object_name)s '%(escaped_object)s' would result in deleting related "
        "objects, but your account doesn't have permission to delete the following types of "
        "objects:"
    ),
    _("Select all %(total_count)s %(module_name)s"),
)
