"""The installed package as Setup shows it, and its button on the page of a person."""

from html import escape

from salesforce_simulator.config_parts import Package
from salesforce_simulator.installed_package import BUTTONS, NAME, button_link, package_fields
from salesforce_simulator.metadata.schema import parse_field
from salesforce_simulator.org import Org
from salesforce_simulator.pages.layout import table
from salesforce_simulator.pages.records import text
from salesforce_simulator.store import Row


def packages(org: Org) -> str:
    """What is installed with its fields, and forms that change it."""
    package = org.config.package
    if package is None:
        return f"<h1>Installed packages</h1>{table([], [])}{_install_form(org, Package(), 'Install')}"
    rows = [[escape(NAME), text(package.namespace), _link(package)]]
    return (
        f"<h1>Installed packages</h1>{table(['Package', 'Namespace', 'Link of the button'], rows)}"
        f"{_install_form(org, package, 'Save')}{_form(org, 'uninstall-package', '', 'Uninstall')}"
        f"<h2>Fields</h2>{_fields(org, package)}"
    )


def _link(package: Package) -> str:
    return text(package.registration_link) or '<span class="dim">Eventship Settings has none</span>'


def _fields(org: Org, package: Package) -> str:
    lines = package_fields(package, is_activity_unique=org.config.is_activity_unique)
    rows = [
        [
            escape(home),
            escape(field.name),
            escape(field.label),
            escape(_type(field.type, field.length)),
            unique,
        ]
        for home in lines
        for field in map(parse_field, lines[home])
        for unique in ("unique, external id" if field.has("Q") else "external id" if field.has("X") else "",)
    ]
    return table(["Object", "Field", "Label", "Type", ""], rows)


def _type(name: str, length: int) -> str:
    return f"{name}({length})" if length else name


def _install_form(org: Org, package: Package, label: str) -> str:
    inputs = (
        f'<label>Namespace <input name="namespace" value="{escape(package.namespace)}" size="8"></label>'
        f'<label>Link of the button <input name="registration_link" type="url" size="50" '
        f'value="{escape(package.registration_link)}" '
        f'placeholder="https://events.example/summit?salesforce_id="></label>'
    )
    return _form(org, "install-package", inputs, label)


def _form(org: Org, action: str, inputs: str, label: str) -> str:
    return (
        f'<form method="post" action="/actions/{action}"><p><input type="hidden" name="org" value="{org.id}">'
        f'{inputs} <button class="quiet">{escape(label)}</button></p></form>'
    )


def button(org: Org, name: str, person: Row) -> str:
    """The package's button on a Lead or Contact: its page with the person's id, in a window of its own."""
    package = org.config.package
    if package is None:
        return ""
    label = escape(BUTTONS[name])
    link = button_link(package, person["Id"])
    if link is None:
        note = "Eventship Settings has no link."
        return f'<p><a class="button dim">{label}</a> <span class="dim">{note}</span></p>'
    return f'<p><a class="button" href="{escape(link)}" target="_blank" rel="noopener">{label}</a></p>'
