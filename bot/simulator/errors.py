"""errcode -> (errmsg of the platform, what our log says). Source: 「公众号 全局返回码」."""

ERRORS: dict[int, tuple[str, str]] = {
    -1: ("system error", "系统繁忙"),
    40001: ("invalid credential, access_token is invalid or not latest", "access_token 无效"),
    40003: ("invalid openid", "没有这个 openid"),
    40004: ("invalid media type", "媒体类型不对"),
    40007: ("invalid media_id", "media_id 不对"),
    40008: ("invalid message type", "消息类型不对"),
    40013: ("invalid appid", "AppID 不对"),
    40016: ("invalid button size", "菜单个数不对"),
    40017: ("invalid button type", "菜单类型不对"),
    40018: ("invalid button name size", "菜单名长度不对"),
    40019: ("invalid button key size", "菜单 key 长度不对"),
    40020: ("invalid button url size", "菜单 url 不对"),
    40023: ("invalid sub button size", "子菜单个数不对"),
    40032: ("invalid openid list size", "一次最多 50 个 openid"),
    40029: ("invalid code", "网页授权 code 无效或已过期"),
    40037: ("invalid template_id", "没有这个模板"),
    40053: ("invalid action info", "二维码参数不对"),
    40125: ("invalid appsecret", "AppSecret 不对"),
    40163: ("code been used", "网页授权 code 用过了"),
    41001: ("access_token missing", "没带 access_token"),
    41005: ("media data missing", "没有媒体文件"),
    42001: ("access_token expired", "access_token 过期"),
    43004: ("require subscribe", "对方没有关注"),
    43101: ("user refuse to accept the msg", "用户没有同意订阅"),
    43108: ("concurrent sending to the same user", "同一用户并发"),
    44002: ("empty post data", "请求体是空的"),
    44004: ("empty content", "内容是空的"),
    45056: ("too many tag now, no need to add new", "标签太多，最多 100 个"),
    45058: ("can't modify sys tag", "系统的标签不能改"),
    45059: ("can not add more than 20 tags to a user", "一个人最多 20 个标签"),
    45157: ("invalid tag name", "标签名空着或重名"),
    45158: ("invalid tag name size", "标签名太长"),
    45159: ("invalid tag id", "没有这个标签"),
    45002: ("content size out of limit", "内容太长"),
    45008: ("article size out of limit", "只能有一篇图文"),
    45009: ("reach max api daily quota limit", "今天的额度用完"),
    45011: ("api minute-quota reach limit, must slower, retry next minute", "太快了"),
    45015: ("response out of time limit or subscription is canceled", "窗口已关"),
    45047: ("out of response count limit", "条数用完"),
    46003: ("menu no exist", "没有菜单"),
    49003: ("not match openid with appid", "这个 openid 不是关注者"),
    65301: ("menuid not exist", "没有这个个性化菜单"),
    65302: ("user not exist", "没有这个用户"),
    65303: ("no default menu, can not create conditional menu", "还没有默认菜单"),
    65304: ("match rule empty", "没有匹配规则"),
    65320: ("match rule about privacy is not supported", "匹配规则涉及隐私"),
    47001: ("data format error", "不是合法的 JSON"),
    47003: ("argument invalid!", "模板参数不对"),
    48001: ("api unauthorized", "没有接口权限"),
}


def errmsg(errcode: int, detail: str = "", rid: str = "") -> str:
    """As the platform writes it: words, what exactly, and a request id that differs each time."""
    words = ERRORS.get(errcode, ("unknown error", ""))[0]
    return " ".join(part for part in (words, detail, f"rid: {rid}" if rid else "") if part)


def explain(errcode: int) -> str:
    return ERRORS.get(errcode, ("", "其他错误"))[1]
