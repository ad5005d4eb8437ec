"""The menus, tags and templates of an account, over the calls of `WeChatClient`. All raise `OutsideError`.

The pages are those of developers.weixin.qq.com/doc/service/api/: 自定义菜单 (custommenu), 用户标签 (usermanage/tag),
模板消息 and 订阅通知 (notify).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.exchange import Answer
from bot.outside import UnknownError
from bot.wechat.client import WeChatClient

MOST_OPENIDS = 50
INVALID_TAG = 45159

_KEYWORD = re.compile(r"\{\{\s*([a-z_]+[0-9]*)\.DATA\s*\}\}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AccountTemplate:
    """A template as the account has it; `keywords` are its fields (`thing1`), in their order."""

    title: str
    keywords: tuple[str, ...]


class MenuApi:
    """What an account shows to whom, and what it may send."""

    def __init__(self, client: WeChatClient) -> None:
        self._client = client

    async def get_menu(self) -> Answer:
        """自定义菜单 › 获取: `menu` and `conditionalmenu`, newest first. Empty if there is no menu."""
        return await self._client.get_menu()

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        """自定义菜单 › 创建: the menu of everybody without a tag."""
        await self._client.create_menu(menu)

    async def delete_menu(self) -> None:
        """自定义菜单 › 删除: the default menu, and with it every conditional one."""
        await self._client.call("menu/delete")

    async def create_conditional_menu(self, menu: Mapping[str, Any]) -> str:
        """自定义菜单 › 创建个性化菜单: `button`, and `matchrule` with a `tag_id`. The menu's id."""
        return str((await self._client.call("menu/addconditional", menu)).get("menuid", ""))

    async def delete_conditional_menu(self, menu_id: str) -> None:
        """自定义菜单 › 删除个性化菜单."""
        await self._client.call("menu/delconditional", {"menuid": menu_id})

    async def tags(self) -> dict[str, int]:
        """用户标签 › 获取: name to id."""
        rows = _rows(await self._client.call("tags/get"), "tags", "id", "name")
        return {str(tag["name"]): int(tag["id"]) for tag in rows}

    async def create_tag(self, name: str) -> int:
        """用户标签 › 创建: up to 100 of at most 30 bytes. The new tag's id."""
        tag = (await self._client.call("tags/create", {"tag": {"name": name}})).get("tag")
        if not isinstance(tag, Mapping) or "id" not in tag:
            raise UnknownError(None, "tags/create", "no id in the answer")
        return int(tag["id"])

    async def tag_people(self, tag_id: int, openids: Sequence[str]) -> None:
        """用户标签 › 批量打标签: at most 50 at a time, all of them or none. Of several tags the last one counts."""
        await self._client.call("tags/members/batchtagging", {"tagid": tag_id, "openid_list": list(openids)})

    async def untag_people(self, tag_id: int, openids: Sequence[str]) -> None:
        """用户标签 › 批量取消标签: at most 50 at a time."""
        await self._client.call("tags/members/batchuntagging", {"tagid": tag_id, "openid_list": list(openids)})

    async def private_templates(self) -> dict[str, AccountTemplate]:
        """模板消息 › 获取已选用模板列表: by template id."""
        answer = await self._client.call("template/get_all_private_template")
        return {str(row["template_id"]): _template(row) for row in _rows(answer, "template_list", "template_id")}

    async def subscription_templates(self) -> dict[str, AccountTemplate]:
        """订阅通知 › 获取私有模板列表: another list than that of the template messages."""
        answer = await self._client.call("wxaapi/newtmpl/gettemplate")
        return {str(row["priTmplId"]): _template(row) for row in _rows(answer, "data", "priTmplId")}


def _template(row: Mapping[str, Any]) -> AccountTemplate:
    return AccountTemplate(str(row.get("title", "")), tuple(_KEYWORD.findall(str(row.get("content", "")))))


def _rows(answer: Answer, name: str, *needed: str) -> list[Mapping[str, Any]]:
    """The rows of a list that have what is needed of them."""
    rows = answer.get(name)
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, Mapping) and all(row.get(key) is not None for key in needed)]
