"""The forms of a page, as a browser without a script sees them: what they bring along, and what can be pressed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = list[tuple[str, str]]


@dataclass
class Button:
    """One way to send a form: what it says, and what it adds."""

    text: str = ""
    name: str = ""
    value: str = ""
    action: str = ""


@dataclass
class Form:
    action: str
    given: Fields = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        return dict(self.given)

    @property
    def button(self) -> str:
        return self.buttons[0].text if self.buttons else ""

    def filled(self, values: dict[str, str | list[str]]) -> Fields:
        """What is sent when these are filled in. A field that the form does not have is a mistake of the test."""
        known = {name for name, _value in self.given} | set(self.choices)
        assert set(values) <= known, f"{set(values) - known} are no fields of {self.action}: {known}"
        sent = [(name, value) for name, value in self.given if name not in values]
        for name, value in values.items():
            for one in value if isinstance(value, list) else [value]:
                assert name not in self.choices or one in self.choices[name], f"{one} is no choice of {name}"
                sent.append((name, one))
        return sent


class Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._select = ""
        self._picked: str | None = None
        self._textarea: str | None = None
        self._written = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given["action"])
            if given.get("method") == "post":
                self.found.append(self._form)
        form = self._form
        if form is None:
            return
        name = given.get("name", "")
        match tag:
            case "input" if given.get("type") in ("radio", "checkbox"):
                form.choices.setdefault(name, []).append(given["value"])
                if "checked" in given:
                    form.given.append((name, given["value"]))
            case "input" if name:
                form.given.append((name, given.get("value", "")))
            case "select":
                self._select, self._picked = name, None
                form.choices.setdefault(name, [])
            case "option" if self._select:
                form.choices[self._select].append(given["value"])
                if self._picked is None or "selected" in given:
                    self._picked = given["value"]
            case "textarea":
                self._textarea, self._written = name, ""
            case "button":
                self._button = Button("", name, given.get("value", ""), given.get("formaction", ""))
                form.buttons.append(self._button)

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._form = None
            case "button":
                self._button = None
            case "select" if self._form is not None:
                if self._picked is not None:
                    self._form.given.append((self._select, self._picked))
                self._select = ""
            case "textarea" if self._form is not None and self._textarea is not None:
                self._form.given.append((self._textarea, self._written.removeprefix("\n")))
                self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.text += data.strip()
        if self._textarea is not None:
            self._written += data
