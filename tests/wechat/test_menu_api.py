"""Menus, tags and templates as they go over the wire."""

import pytest

from bot.outside import UnknownError
from bot.wechat import AccountTemplate, MenuApi

from .test_client import OPENID, Platform


async def test_a_conditional_menu_gives_its_number() -> None:
    platform = Platform({"menuid": "208379533"})
    menu = {"button": [{"type": "click", "name": "帮助", "key": "help"}], "matchrule": {"tag_id": "100"}}
    assert await MenuApi(platform.client).create_conditional_menu(menu) == "208379533"
    assert (platform.path, platform.body) == ("/cgi-bin/menu/addconditional", menu)


async def test_menus_are_deleted_one_or_all() -> None:
    platform = Platform()
    await MenuApi(platform.client).delete_conditional_menu("208379533")
    assert (platform.path, platform.body) == ("/cgi-bin/menu/delconditional", {"menuid": "208379533"})
    await MenuApi(platform.client).delete_menu()
    assert (platform.asked[-1].method, platform.path) == ("GET", "/cgi-bin/menu/delete")


async def test_tags_are_known_by_their_names() -> None:
    rows = [{"id": 2, "name": "星标组", "count": 0}, {"id": 100, "name": "A组", "count": 5}, {"name": "?"}, "?"]
    platform = Platform({"tags": rows})
    assert await MenuApi(platform.client).tags() == {"星标组": 2, "A组": 100}
    assert (platform.asked[-1].method, platform.path) == ("GET", "/cgi-bin/tags/get")


async def test_a_new_tag_gives_its_number() -> None:
    platform = Platform({"tag": {"id": 134, "name": "A组"}})
    assert await MenuApi(platform.client).create_tag("A组") == 134
    assert (platform.path, platform.body) == ("/cgi-bin/tags/create", {"tag": {"name": "A组"}})
    with pytest.raises(UnknownError, match="no id"):
        await MenuApi(Platform({"tag": {}}).client).create_tag("A组")


async def test_people_get_and_lose_a_tag() -> None:
    platform = Platform()
    await MenuApi(platform.client).tag_people(134, (OPENID,))
    assert (platform.path, platform.body) == (
        "/cgi-bin/tags/members/batchtagging",
        {"tagid": 134, "openid_list": [OPENID]},
    )
    await MenuApi(platform.client).untag_people(134, (OPENID,))
    assert platform.path == "/cgi-bin/tags/members/batchuntagging"


async def test_the_fields_of_a_template_are_read_from_its_text() -> None:
    content = "编号:{{character_string1.DATA}}\n类型：{{ phrase2.DATA }}\n{{thing3.DATA}}"
    platform = Platform({"template_list": [{"template_id": "T1", "title": "待办提醒", "content": content}, {}]})
    template = AccountTemplate("待办提醒", ("character_string1", "phrase2", "thing3"))
    assert await MenuApi(platform.client).private_templates() == {"T1": template}
    assert platform.path == "/cgi-bin/template/get_all_private_template"
    assert await MenuApi(Platform({"template_list": None}).client).private_templates() == {}


async def test_templates_of_subscription_notices_are_another_list() -> None:
    platform = Platform({"data": [{"priTmplId": "S1", "title": "活动", "content": "名称:{{thing1.DATA}}"}]})
    assert await MenuApi(platform.client).subscription_templates() == {"S1": AccountTemplate("活动", ("thing1",))}
    assert platform.path == "/wxaapi/newtmpl/gettemplate"


async def test_asking_for_a_token_asks_for_nothing_else() -> None:
    platform = Platform()
    await platform.client.check_token()
    assert (platform.tokens, platform.asked) == (1, [])
