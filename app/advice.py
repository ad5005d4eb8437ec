"""What a refusal of WeChat's means to whoever installs: one sentence, with what to do."""

from bot.outside import Misconfigured, NotSent, OutcomeUnknown, OutsideError, QuotaUsedUp, TokenRefused, TryLater

WHAT_TO_DO = {
    40013: "AppID 不对：请核对 TONGXING_WECHAT_APP_ID",
    40125: "AppSecret 不对：请核对 TONGXING_WECHAT_APP_SECRET",
    40243: "AppSecret 被冻结：请到公众平台后台解冻或重置",
    48001: "公众号没有这个接口的权限：菜单、标签和模板消息要认证过的服务号",
    45056: "公众号的标签已经有 100 个：请在后台删掉不用的",
    45157: "标签名不合要求，或和别的标签重名：请换一个",
    45158: "标签名超过 30 个字节：请换一个短的",
    65303: "公众号还没有默认菜单：请再运行一次 tongxing menu push",
    65306: "这个公众号不支持个性化菜单：要认证过的服务号",
}
NOT_ON_THE_LIST = 40164


def in_words(error: OutsideError) -> str:
    """Names the API and the code, nothing that WeChat said and no secret."""
    place = f"（{error.api} {error.code}）" if error.code else f"（{error.api}）"
    return _what(error) + place


def _what(error: OutsideError) -> str:
    if isinstance(error, Misconfigured) and error.errcode == NOT_ON_THE_LIST:
        which = f" {error.detail}" if error.detail else ""
        return f"服务器的 IP{which} 不在公众平台的 IP 白名单里：请到后台的“基本配置”把它加上"
    if error.errcode in WHAT_TO_DO:
        return WHAT_TO_DO[error.errcode]
    match error:
        case NotSent():
            return f"连不上（{error.advice}）：请检查网络和接口地址"
        case OutcomeUnknown():
            return f"没有得到回答（{error.advice}）：请过一会儿再试"
        case TryLater():
            return f"{error.advice}：请过一会儿再试"
        case QuotaUsedUp():
            return f"{error.advice}：请北京时间 0 点以后再试"
        case TokenRefused():
            return f"{error.advice}，换过一次也不行：请核对 AppID 和 AppSecret"
    if error.errcode is None:
        return "回答看不懂：请检查接口地址，和中间有没有代理"
    return f"{error.advice}：请按错误码查微信的说明"
