"""The platform's rules about tags and conditional menus, as the API tells them."""

from typing import Any

import httpx
import pytest

from bot.simulator import Platform
from bot.simulator.menus import menu_of

from .conftest import Api

HELP = [{"type": "click", "name": "帮助", "key": "help"}]
TODAY = [{"type": "click", "name": "今天", "key": "today"}]


async def tag(api: Api, name: str) -> int:
    return int((await api.post("tags/create", {"tag": {"name": name}}))["tag"]["id"])


async def give(api: Api, tag_id: Any, *openids: str, verb: str = "batchtagging") -> int:
    answer = await api.post(f"tags/members/{verb}", {"tagid": tag_id, "openid_list": list(openids)})
    return int(answer["errcode"])


async def conditional(api: Api, rule: Any, buttons: Any = HELP) -> dict[str, Any]:
    return await api.post("menu/addconditional", {"button": buttons, "matchrule": rule})


async def get(api: Api, path: str) -> dict[str, Any]:
    token = (await api.token())["access_token"]
    return dict((await api.web.get(f"/cgi-bin/{path}", params={"access_token": token})).json())


async def test_a_tag_has_a_number_and_a_name_of_its_own(api: Api) -> None:
    first, second = await tag(api, "A组"), await tag(api, "B组")
    assert [(row["id"], row["name"], row["count"]) for row in (await get(api, "tags/get"))["tags"]] == [
        (2, "星标组", 0), (first, "A组", 0), (second, "B组", 0),
    ]  # fmt: skip
    for name, errcode in (("A组", 45157), ("", 45157), ("组" * 11, 45158), ("组" * 10, None)):
        assert (await api.post("tags/create", {"tag": {"name": name}})).get("errcode") == errcode


async def test_an_account_has_a_hundred_tags_at_most(box: Platform, api: Api) -> None:
    box.tags |= {1000 + n: f"t{n}" for n in range(99)}
    await tag(api, "A组")
    assert (await api.post("tags/create", {"tag": {"name": "B组"}}))["errcode"] == 45056


async def test_a_tag_is_renamed_and_deleted_and_its_number_never_comes_back(box: Platform, api: Api) -> None:
    number = await tag(api, "A组")
    assert (await api.post("tags/update", {"tag": {"id": number, "name": "甲组"}}))["errcode"] == 0
    assert box.tags[number] == "甲组"
    await give(api, number, "o_he")
    assert (await api.post("tags/delete", {"tag": {"id": number}}))["errcode"] == 0
    assert box.users["o_he"].tags == []
    assert await tag(api, "A组") != number
    for tag_id, errcode in ((number, 45159), ("x", 45159), (2, 45058)):
        assert (await api.post("tags/delete", {"tag": {"id": tag_id}}))["errcode"] == errcode


async def test_people_are_tagged_all_of_them_or_none(box: Platform, api: Api) -> None:
    number = await tag(api, "A组")
    box.add_user("o_gone", "走了")
    assert await give(api, number, "o_he", "o_gone") == 49003
    assert await give(api, number, "o_he", "o_nobody") == 40003
    assert await give(api, 7, "o_he") == 45159
    assert await give(api, number, *["o_he"] * 51) == 40032
    assert await give(api, number) == 40032
    assert box.users["o_he"].tags == []
    assert await give(api, number, "o_he") == 0
    assert (await api.post("tags/getidlist", {"openid": "o_he"}))["tagid_list"] == [number]
    assert (await api.post("tags/getidlist", {"openid": "o_nobody"}))["errcode"] == 40003
    assert await give(api, number, "o_he", verb="batchuntagging") == 0
    assert box.users["o_he"].tags == []


async def test_a_person_has_twenty_tags_at_most(box: Platform, api: Api) -> None:
    box.tags |= {1000 + n: f"t{n}" for n in range(21)}
    assert [await give(api, 1000 + n, "o_he") for n in range(21)] == [0] * 20 + [45059]


async def test_who_leaves_leaves_their_tags(box: Platform, api: Api) -> None:
    await give(api, await tag(api, "A组"), "o_he")
    await box.unfollow("o_he")
    assert box.users["o_he"].tags == []


async def test_a_phone_shows_the_newest_menu_of_the_tag_that_was_given_last(
    box: Platform, api: Api, web: httpx.AsyncClient
) -> None:
    first, second = await tag(api, "A组"), await tag(api, "B组")
    await conditional(api, {"tag_id": str(first)}, TODAY)
    newest = (await conditional(api, {"tag_id": str(first)}, HELP))["menuid"]
    user = box.users["o_he"]
    assert menu_of(box, user) == box.menu
    await give(api, first, "o_he")
    assert menu_of(box, user) == HELP
    assert (await api.post("menu/trymatch", {"user_id": "o_he"}))["button"] == HELP
    assert (await web.get("/state.json", params={"phone": "o_he"})).json()["phones"][0]["menu"] == HELP
    assert (await get(api, "menu/get"))["conditionalmenu"][0] == {
        "button": HELP, "matchrule": {"tag_id": str(first)}, "menuid": int(newest),
    }  # fmt: skip
    await api.post("menu/delconditional", {"menuid": newest})
    assert menu_of(box, user) == TODAY
    await give(api, second, "o_he")
    assert menu_of(box, user) == box.menu
    assert (await api.post("menu/trymatch", {"user_id": "o_nobody"}))["errcode"] == 65302


@pytest.mark.parametrize(
    ("rule", "errcode"),
    [({}, 65304), (None, 65304), ({"tag_id": "A组"}, 65304), ({"tag_id": "100", "sex": "1"}, 65320)],
)
async def test_a_rule_goes_by_a_tag_and_by_nothing_private(api: Api, rule: Any, errcode: int) -> None:
    assert (await conditional(api, rule))["errcode"] == errcode


async def test_conditional_menus_stand_and_fall_with_the_default_one(box: Platform, api: Api) -> None:
    rule = {"tag_id": "100"}
    await conditional(api, rule)
    assert (await api.post("menu/create", {"button": TODAY}))["errcode"] == 0
    assert len(box.conditional_menus) == 1
    assert (await get(api, "menu/delete"))["errcode"] == 0
    assert box.conditional_menus == []
    assert (await conditional(api, rule))["errcode"] == 65303
    assert (await api.post("menu/delconditional", {"menuid": "1"}))["errcode"] == 65301
    assert (await get(api, "menu/get"))["errcode"] == 46003


async def test_the_templates_of_the_account_are_listed_with_their_fields(api: Api) -> None:
    first = (await get(api, "template/get_all_private_template"))["template_list"][0]
    assert (first["template_id"], first["title"]) == ("TPL_ACTIVITY", "活动提醒")
    assert first["content"].splitlines()[0] == "活动名称:{{thing1.DATA}}"
