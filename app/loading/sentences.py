"""What pydantic found wrong, in plain Chinese. A value is never repeated: it may be a name or a number."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from app.loading.lines import EXAMPLE, Path, Sheet
from app.loading.problems import Problem

# What a key that there was once is written as now.
REPLACED = {
    "support_line": "和 region 的一样就删掉，不一样请写在 lines 里（use: talk）",
    "emergency_line": "和 region 的一样就删掉，不一样请写在 lines 里（use: danger）",
}


def nearest(word: str, known: Iterable[str]) -> str:
    """`，是不是想写 phone？`, or nothing where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"，是不是想写 {near[0]}？" if near else ""


def problem_of(error: Mapping[str, Any], model: type[BaseModel], path: Path, sheet: Sheet) -> Problem:
    """The problem that one of pydantic's errors about `model`, which stands at `path`, comes to."""
    inner: Path = tuple(error["loc"])
    return sheet.problem(path + inner, _sentence(error, model, inner, empty=path + inner in sheet.empty))


def _sentence(error: Mapping[str, Any], model: type[BaseModel], inner: Path, *, empty: bool) -> str:
    context: Mapping[str, Any] = error.get("ctx") or {}
    match error["type"]:
        case "missing":
            return f"{'空着' if empty else '少了'}，请写{_asked(model, inner)}"
        case "extra_forbidden":
            known = list(_owner(model, inner).model_fields)
            if str(inner[-1]) in REPLACED:
                return f"现在不这样写了：{REPLACED[str(inner[-1])]}"
            hint = nearest(str(inner[-1]), known)
            return f"不认识{hint or '，请删掉；这里可以写 ' + '、'.join(known)}"
        case "value_error":
            return str(context.get("error", ""))
        case "literal_error" | "enum":
            known = str(context.get("expected", "")).split("'")[1::2]
            return f"只能写 {'、'.join(known)}{nearest(str(error['input']), known)}"
        case "list_type":
            return "要写成列表：每一项另起一行，前面加减号和空格"
        case "too_short":
            return f"空着，请写{_asked(model, inner)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "要写成“名称: 内容”，冒号后面空一格"
    return f"写得不对，请照着 {EXAMPLE} 改"


def _owner(model: type[BaseModel], inner: Path) -> type[BaseModel]:
    """The model in which the last part of `inner` is, or would be, a field."""
    for part in inner[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)


def _asked(model: type[BaseModel], inner: Path) -> str:
    field = _owner(model, inner).model_fields.get(str(inner[-1]))
    return (field.description if field else None) or "内容"
