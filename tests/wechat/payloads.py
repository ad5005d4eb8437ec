"""Callbacks as Tencent's documentation shows them, with what they mean to us."""

from datetime import UTC, datetime
from typing import Any

from bot.wechat import (
    AccountNotice,
    AuthorizationRevoked,
    Clicked,
    Followed,
    Inbound,
    OtherEvent,
    PopupAnswer,
    Scanned,
    SentResult,
    SubscriptionChange,
    SubscriptionPopup,
    SubscriptionSent,
    TemplateReceipt,
    Text,
    Unfollowed,
    Unreadable,
    Viewed,
)

ACCOUNT = "gh_123456789abc"
OPENID = "otFpruAK8D-E6EfStSYonYSBZ8_4"
CREATED = 1610969440
MSG_ID = "23456789012345678"
TEMPLATE = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"
OTHER_TEMPLATE = "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI"


def callback(inner: str) -> str:
    return (
        f"<xml>\n<ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>\n"
        f"<FromUserName><![CDATA[{OPENID}]]></FromUserName>\n"
        f"<CreateTime>{CREATED}</CreateTime>\n{inner}\n</xml>"
    )


def message(kind: str, inner: str) -> str:
    return callback(f"<MsgType><![CDATA[{kind}]]></MsgType>\n{inner}\n<MsgId>{MSG_ID}</MsgId>")


def event(name: str, inner: str = "") -> str:
    return callback(f"<MsgType><![CDATA[event]]></MsgType>\n<Event><![CDATA[{name}]]></Event>\n{inner}")


def _popup(*answers: tuple[str, str]) -> str:
    entries = "".join(
        f"<List><TemplateId><![CDATA[{template}]]></TemplateId>"
        f"<SubscribeStatusString><![CDATA[{answer}]]></SubscribeStatusString>"
        "<PopupScene>2</PopupScene></List>"
        for template, answer in answers
    )
    return f"<SubscribeMsgPopupEvent>{entries}</SubscribeMsgPopupEvent>"


def _change(*templates: str) -> str:
    entries = "".join(
        f"<List><TemplateId><![CDATA[{template}]]></TemplateId>"
        "<SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List>"
        for template in templates
    )
    return f"<SubscribeMsgChangeEvent>{entries}</SubscribeMsgChangeEvent>"


def _sent(message_id: str, code: int, status: str) -> str:
    return (
        f"<List><TemplateId><![CDATA[{TEMPLATE}]]></TemplateId><MsgID>{message_id}</MsgID>"
        f"<ErrorCode>{code}</ErrorCode><ErrorStatus><![CDATA[{status}]]></ErrorStatus></List>"
    )


def _receipt(status: str) -> str:
    return event("TEMPLATESENDJOBFINISH", f"<MsgID>200163836</MsgID><Status><![CDATA[{status}]]></Status>")


def meant(meaning: type[Inbound], key: str | None = f"m:{MSG_ID}", /, **rest: Any) -> Inbound:
    common = {"openid": OPENID, "account": ACCOUNT, "sent_at": datetime.fromtimestamp(CREATED, UTC)}
    return meaning(**{**common, "key": key, **rest})


def e(rest: str) -> str:
    return f"e:{CREATED}:{rest}"


# name → (XML, what it means). A key of None: a digest, looked at elsewhere.
PAYLOADS: dict[str, tuple[str, Inbound]] = {
    "text": (
        message("text", "<Content><![CDATA[我会来的，带两个人 🌱]]></Content>"),
        meant(Text, content="我会来的，带两个人 🌱"),
    ),
    "a tap on a menu message": (
        message("text", "<Content><![CDATA[参加]]></Content><bizmsgmenuid><![CDATA[a7.1.v2]]></bizmsgmenuid>"),
        meant(Text, content="参加", menu_id="a7.1.v2"),
    ),
    "an empty text": (message("text", "<Content><![CDATA[]]></Content>"), meant(Text, content="")),
    "a text of spaces": (message("text", "<Content><![CDATA[  ]]></Content>"), meant(Text, content="")),
    "a text that is markup": (
        message("text", "<Content><![CDATA[<!DOCTYPE a> &lt;b> 1 < 2]]></Content>"),
        meant(Text, content="<!DOCTYPE a> &lt;b> 1 < 2"),
    ),
    "image": (
        message(
            "image",
            "<PicUrl><![CDATA[http://mmbiz.qpic.cn/p]]></PicUrl><MediaId><![CDATA[m1]]></MediaId>",
        ),
        meant(Unreadable, kind="image"),
    ),
    "voice": (
        message(
            "voice",
            "<MediaId><![CDATA[m1]]></MediaId><Format><![CDATA[amr]]></Format><Recognition><![CDATA[]]></Recognition>",
        ),
        meant(Unreadable, kind="voice"),
    ),
    "video": (
        message(
            "video",
            "<MediaId><![CDATA[m1]]></MediaId><ThumbMediaId><![CDATA[t1]]></ThumbMediaId>",
        ),
        meant(Unreadable, kind="video"),
    ),
    "short video": (
        message("shortvideo", "<MediaId><![CDATA[m1]]></MediaId>"),
        meant(Unreadable, kind="shortvideo"),
    ),
    "location": (
        message(
            "location",
            "<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale>"
            "<Label><![CDATA[位置信息]]></Label>",
        ),
        meant(Unreadable, kind="location"),
    ),
    "link": (
        message("link", "<Title><![CDATA[t]]></Title><Url><![CDATA[https://a.example/?a=1&b=2]]></Url>"),
        meant(Unreadable, kind="link"),
    ),
    "file": (message("file", "<Title><![CDATA[a.pdf]]></Title>"), meant(Unreadable, kind="file")),
    "a kind of tomorrow": (message("Hologram", ""), meant(Unreadable, kind="hologram")),
    "follow": (
        event("subscribe", "<EventKey><![CDATA[]]></EventKey>"),
        meant(Followed, e("subscribe::"), scene=None),
    ),
    "follow by QR picture": (
        event(
            "subscribe",
            "<EventKey><![CDATA[qrscene_q7Xk]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>",
        ),
        meant(Followed, e("subscribe:q7Xk:TICKET"), scene="q7Xk"),
    ),
    "follow from a payment": (
        event("subscribe", "<EventKey><![CDATA[last_trade_no_4003]]></EventKey>"),
        meant(Followed, e("subscribe:last_trade_no_4003:"), scene=None),
    ),
    "follow from a product": (
        event("subscribe", "<EventKey><![CDATA[scanbarcode|690|x]]></EventKey>"),
        meant(Followed, e("subscribe:scanbarcode|690|x:"), scene=None),
    ),
    "unfollow": (
        event("unsubscribe", "<EventKey><![CDATA[]]></EventKey>"),
        meant(Unfollowed, e("unsubscribe::")),
    ),
    "scan": (
        event("SCAN", "<EventKey><![CDATA[q7Xk]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>"),
        meant(Scanned, e("scan:q7Xk:TICKET"), scene="q7Xk"),
    ),
    "click": (
        event("CLICK", "<EventKey><![CDATA[talk_to_someone]]></EventKey>"),
        meant(Clicked, e("click:talk_to_someone:"), item="talk_to_someone"),
    ),
    "view": (
        event("VIEW", "<EventKey><![CDATA[https://a.example/p]]></EventKey><MenuId>4</MenuId>"),
        meant(Viewed, e("view:https://a.example/p:"), url="https://a.example/p"),
    ),
    "template delivered": (
        _receipt("success"),
        meant(
            TemplateReceipt,
            e("templatesendjobfinish::200163836"),
            message_id="200163836",
            status="success",
            raw_status="success",
        ),
    ),
    "template blocked": (
        _receipt("failed:user block"),
        meant(
            TemplateReceipt,
            e("templatesendjobfinish::200163836"),
            message_id="200163836",
            status="blocked",
            raw_status="failed:user block",
        ),
    ),
    "template failed": (
        _receipt("failed: system failed"),
        meant(
            TemplateReceipt,
            e("templatesendjobfinish::200163836"),
            message_id="200163836",
            status="failed",
            raw_status="failed: system failed",
        ),
    ),
    "one answer in the subscription popup": (
        event("subscribe_msg_popup_event", _popup((TEMPLATE, "accept"))),
        meant(SubscriptionPopup, None, answers=(PopupAnswer(TEMPLATE, True),)),
    ),
    "two answers in the subscription popup": (
        event("subscribe_msg_popup_event", _popup((TEMPLATE, "accept"), (OTHER_TEMPLATE, "reject"))),
        meant(
            SubscriptionPopup,
            None,
            answers=(PopupAnswer(TEMPLATE, True), PopupAnswer(OTHER_TEMPLATE, False)),
        ),
    ),
    "subscription withdrawn": (
        event("subscribe_msg_change_event", _change(TEMPLATE)),
        meant(SubscriptionChange, None, rejected=(TEMPLATE,)),
    ),
    "two subscriptions withdrawn": (
        event("subscribe_msg_change_event", _change(TEMPLATE, OTHER_TEMPLATE)),
        meant(SubscriptionChange, None, rejected=(TEMPLATE, OTHER_TEMPLATE)),
    ),
    "subscription notice delivered": (
        event(
            "subscribe_msg_sent_event",
            f"<SubscribeMsgSentEvent>{_sent('1700827132819554304', 0, 'success')}</SubscribeMsgSentEvent>",
        ),
        meant(SubscriptionSent, None, results=(SentResult(TEMPLATE, "1700827132819554304", 0, "success"),)),
    ),
    "two subscription notices, one refused": (
        event("subscribe_msg_sent_event", _sent("1", 0, "success") + _sent("2", 43101, "user refuse")),
        meant(
            SubscriptionSent,
            None,
            results=(
                SentResult(TEMPLATE, "1", 0, "success"),
                SentResult(TEMPLATE, "2", 43101, "user refuse"),
            ),
        ),
    ),
    "authorization revoked": (
        event(
            "user_authorization_revoke",
            "<OpenID><![CDATA[owAqB1nqaOYYWl0Ng484G2z5NIwU]]></OpenID><RevokeInfo><![CDATA[1]]></RevokeInfo>",
        ),
        meant(
            AuthorizationRevoked,
            e("user_authorization_revoke::"),
            openid="owAqB1nqaOYYWl0Ng484G2z5NIwU",
        ),
    ),
    "WeChat account closed": (
        event("user_authorization_cancellation"),
        meant(AuthorizationRevoked, e("user_authorization_cancellation::")),
    ),
    "verification expired": (
        event("verify_expired", "<ExpiredTime>1442401061</ExpiredTime>"),
        meant(AccountNotice, e("verify_expired::"), event="verify_expired"),
    ),
    "renewal due": (
        event("annual_renew", "<ExpiredTime>1442401061</ExpiredTime>"),
        meant(AccountNotice, e("annual_renew::"), event="annual_renew"),
    ),
    "where the phone is": (
        event("LOCATION", "<Latitude>23.1</Latitude><Longitude>113.3</Longitude>"),
        meant(OtherEvent, e("location::"), event="location"),
    ),
    "an event of tomorrow": (
        event("moon_landing"),
        meant(OtherEvent, e("moon_landing::"), event="moon_landing"),
    ),
}
