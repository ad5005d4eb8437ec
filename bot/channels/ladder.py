"""The whole ladder, as this installation has it."""

import httpx

from app.clock import Clock
from app.messages.window import Limits
from app.settings import Settings
from bot.channels.buckets import Bucket
from bot.channels.rungs import (
    CustomerMessage,
    Rung,
    SubscriptionNotice,
    TemplateMessage,
    subscriptions_of,
    templates_of,
)
from bot.channels.staff_rungs import GroupMessage, Mail, PerMinute, TextMessage, WorkMessage
from bot.wechat import TokenStore, WeChatClient
from bot.wecom.client import WeComClient
from bot.wecom.robot import GroupRobot
from bot.worlds import Worlds

STAFF_CALLS_A_SECOND = 10.0


def account_client(settings: Settings, http: httpx.AsyncClient, clock: Clock, tokens: TokenStore) -> WeChatClient:
    """The official account of this installation."""
    return WeChatClient(
        http, app_id=settings.wechat_app_id, app_secret=settings.wechat_app_secret.get_secret_value(), tokens=tokens,
        clock=clock, timeout=settings.wechat_timeout,
    )  # fmt: skip


def work_client(settings: Settings, http: httpx.AsyncClient, clock: Clock, tokens: TokenStore) -> WeComClient:
    """The application in WeCom of this installation."""
    return WeComClient(
        http, corp_id=settings.wecom_corp_id, secret=settings.wecom_secret.get_secret_value(),
        agent_id=settings.wecom_agent_id, tokens=tokens, clock=clock, timeout=settings.wechat_timeout,
    )  # fmt: skip


def wechat_rungs(client: WeChatClient, settings: Settings) -> list[Rung]:
    """WeChat's rungs; one without a template is left out."""
    rate = settings.wechat_calls_a_second
    rungs: list[Rung] = [CustomerMessage(client, Limits.of(settings), Bucket(rate))]
    if templates := templates_of(settings):
        rungs.append(TemplateMessage(client, templates, Bucket(rate)))
    if subscribed := subscriptions_of(settings):
        rungs.append(SubscriptionNotice(client, subscribed, Bucket(rate)))
    return rungs


def staff_rungs(settings: Settings, clock: Clock, worlds: Worlds, wecom: WeComClient | None) -> list[Rung]:
    """The ways to staff beside WeChat; each only where it is set up."""
    rungs: list[Rung] = []
    if wecom is not None:
        rungs.append(WorkMessage(wecom, Bucket(STAFF_CALLS_A_SECOND), PerMinute(settings.wecom_a_minute, clock)))
    if settings.wecom_robots:
        keys = {house: key.get_secret_value() for house, key in settings.wecom_robots.items()}
        pace = PerMinute(settings.wecom_robot_a_minute, clock)
        robot = GroupRobot(worlds.wecom, clock=clock, timeout=settings.wechat_timeout)
        rungs.append(GroupMessage(robot, keys, Bucket(STAFF_CALLS_A_SECOND), pace))
    if worlds.sms is not None:
        rungs.append(TextMessage(worlds.sms, Bucket(STAFF_CALLS_A_SECOND)))
    if worlds.post is not None:
        rungs.append(Mail(worlds.post, Bucket(STAFF_CALLS_A_SECOND)))
    return rungs
