"""What a short answer means. Pure functions over one message; the router knows which question was open.

Two habits hold throughout. A number, a code or a command counts only when it is the whole message, because
"我12点到" is not an answer "1". And negation is read before agreement, because "不能来" contains "能来".
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

# 啊, 呀, … colour a sentence and change nothing; 了 is not among them: "来了" is not "来".
_PARTICLES = "啊呀哦噢喔吧呢哈啦哟嘛诶欸额呃咯喽哇捏滴~"
_MARKS = "。.,、;:!…·'\"“”‘’()[]{}<>「」『』【】-_*^="
_FACES = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,8}\]")  # WeChat's own faces arrive as [抱拳]
_POLITE = re.compile(r"^(?:(?:老师|小周老师|你好|您好|谢谢老师|麻烦|请|嗯+|哦+|噢+|喔+|唉|哎)[,、。!~ ]*)+(?=.)")
_POLITE_END = re.compile(r"(?<=.)[,、。!~ ]*(?:谢谢(?:你|您|啦|了|老师)?|老师|辛苦了|麻烦了|哈哈+|呵呵+|嘿嘿+)$")


def normalise(text: str) -> str:
    """The message without what only decorates it: width, case, invisible characters, marks and faces at the
    ends. "?" stays, it may be the message; emoji inside a sentence stay, and so does a message of emoji only.
    """
    plain = unicodedata.normalize("NFKC", "".join(each for each in text if not _invisible(each))).lower()
    plain = " ".join(plain.split())
    while True:
        bare = _trim(plain)
        if not bare or bare == plain:
            return plain
        plain = bare


def _trim(plain: str) -> str:
    bare = _FACES.sub("", plain)
    start, end = 0, len(bare)
    while start < end and (bare[start] in _MARKS or bare[start].isspace() or _decoration(bare[start])):
        start += 1
    while end > start and (bare[end - 1] in _MARKS + _PARTICLES or bare[end - 1].isspace() or _decoration(bare[end - 1])):
        end -= 1
    return unicodedata.normalize("NFKC", " ".join(bare[start:end].split())).lower()


def _invisible(char: str) -> bool:
    """Zero-width characters, emoji selectors, and the frame of a keycap: 1️⃣ is the digit 1 in a frame."""
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f" or char == "\u20e3"


def _decoration(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Cn", "Cs", "Co", "Cc")


def _core(text: str) -> str:
    """`normalise`, and without a greeting before or thanks after."""
    plain = normalise(text)
    return normalise(_POLITE_END.sub("", _POLITE.sub("", plain)))


def _squeezed(text: str) -> str:
    return normalise(text).replace(" ", "")


# Numbers

_HANZI_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_HANZI_DIGITS |= {"壹": 1, "贰": 2, "叁": 3, "幺": 1}
_NUMBER = re.compile(
    r"(?:我?(?:选择|选|回复|回|报|按|要|是|答|答案|就)?)(?:第|数字)?\(?(?P<n>\d{1,2}|[一二两三四五六七八九十壹贰叁幺])\)?"
    r"(?:个|号|项|条)?(?P<rest>[^\d]*)"
)
# What may follow the digit: the words of the choice itself, never a unit of time, amount or place.
_CHOICE = re.compile(
    r"(?:[,.。、:;!) ]|我|会|能|可以|要|不|来|到|去|了|没|还|想好|还没|好|的|参加|得|行|安全|需要|帮忙|愿意|同意|"
    r"接送|问问|先|以后|再|说|谢谢|老师|有空|没空|准时|一定|肯定|吧|啊|呀|哦|呢|[^\w\s])*"
)
_QUANTITY = re.compile(r"个(?!$)|号(?!$)|[一二三四五六七八九十两]")


def number(text: str, upto: int) -> int | None:
    """The choice 1…`upto`, when the message is that choice and nothing else: "1", "①", "选1", "1能来"."""
    plain = _core(text)
    found = _NUMBER.fullmatch(plain)
    if not found:
        return None
    digits, rest = found["n"], found["rest"]
    if not _CHOICE.fullmatch(rest) or _QUANTITY.search(rest):
        return None
    if _LATER.match(rest):
        return None
    value = _HANZI_DIGITS.get(digits) or int(digits)
    # "一会到", "一定来" and "两个都来" begin with a numeral and are not a choice.
    if digits in _HANZI_DIGITS and rest and not rest.startswith((" ", ",", ".", "。", "、", ":")):
        return None
    return value if 1 <= value <= upto else None


_LATER = re.compile(r"(?:到|再|以后|来不|好了|说|了再)")  # "3到", "3再说": an hour or a floor


# Coming or not


class Attendance(StrEnum):
    GOING = "going"
    NOT_GOING = "not_going"
    UNDECIDED = "undecided"


# Said of something else: these are taken out before the rest is read.
_NOISE = re.compile(
    r"不想活了?|活不下去了?|来不及|不好意思|对不起|不要紧|不客气|不用谢|没关系|没事|没问题|不见不散|来着|"
    r"下次(?:再|一定)?(?:来|去|参加)|以后再来|改天(?:再)?(?:来|去)|回来|起来|出来|过来人|本来|原来|后来|从来|将来|"
    r"上来|下来|带来|进来|来电|来信|来源|未来|近来|到来"
)
# Two negatives: "我不是不来" is no refusal; what it is, the next words or the next question say.
_DOUBLE = re.compile(
    r"(?:不是|没有?说|又不是|并不是|并非|怎么会|不会|不可能|不得|不能)不(?:想|愿意|能|会)?(?:来|去|参加|到)?了?"
)
_QUESTION = re.compile(
    r"[?？]|吗$|么$|来不来|去不去|能不能|会不会|要不要|可不可以|几点|哪里|哪儿|什么时候|多少|谁(?:去|来)|怎么(?:去|来)|还有(?:没有)?"
)
_UNDECIDED = re.compile(
    r"看情况|不一定|说不定|不确定|没(?:有)?想好|没(?:有)?决定|没(?:有)?定|未定|再说|再看|看看再|到时候?(?:再)?看|再想想|"
    r"考虑|不好说|难说|说不好|说不准|不知道(?:能不能|来不来|去不去|会不会|行不行|有没有空)|可能(?:来|去|会|能|有)|也许|"
    r"大概(?:来|去|会|能)|尽量|争取|不晓得|勿晓得|看天气|看身体|看样子|等等看|要看|or"
)
_NOT_GOING = re.compile(
    r"(?:不|勿|冇|唔|没法|没办法|没法子|无法|没空|没时间|别)(?:想|能|会|可以|打算|准备|愿意|要|好|再|太想|大想|太方便|方便)*"
    r"(?:过)?(?:来|去|到|参加|报名|嚟)(?!意思)|"
    r"(?:来|去|到|走|赶|参加|出|过来|过去)(?:不|勿|唔)(?:了|成|到|得|动|开|出|来)|"
    r"不行了?$|^不行|不了$|不能来|不能去|不方便|没空|没有空|冇空|唔得闲|没时间|没有时间|走不开|抽不开|脱不开|有事|"
    r"有点事|临时有|请假|请个假|取消(?:报名|吧|了)?|缺席|不(?:报名|参加)|去医院|要上班|要加班|住院|我就不|就不(?:来|去)了?|"
    r"算了|不(?:来|去)$|^不(?:了|去|来)|(?:这次|今天|明天)不(?:了|来|去)"
)
_GOING = re.compile(
    r"(?:会|能|要|想|可以|肯定|一定|准时|按时|准|马上|就|都|也|还|还是|又能|又可以|好的?|行|再|我|明天|今天|下午|上午|一起|全家)"
    r"(?:来|去|到|参加|报名|过来|过去)(?!不|勿)|"
    r"^(?:来|去|到|参加|报名|要来|我来|我去)(?:的|了|啊|吧|呀|滴|嘞|参加|一个|报名)*$|参加|报名|算我一个|加我一个|有空|"
    r"(?:来|去|到)的$|准时到|不见不散|能(?:来|去|到)|会(?:来|去|到)|来[,。! ]|^来|去[,。! ]|给我留|留个?位|一定到|过来$|得闲|嚟"
)


def attendance(text: str) -> Attendance | None:
    """Coming, not coming, not sure; None when the message does not say. A bare 好的 does not say."""
    plain = _core(text)
    if len(plain) > 60:  # a story, not an answer
        return None
    said = _NOISE.sub(" ", plain).strip()
    doubled = bool(_DOUBLE.search(said))
    said = _DOUBLE.sub(" ", said).strip()
    if _UNDECIDED.search(said):
        return Attendance.UNDECIDED
    if _NOT_GOING.search(said):
        return Attendance.NOT_GOING
    if doubled or _QUESTION.search(said):
        return None
    if _GOING.search(said) or "不见不散" in plain:
        return Attendance.GOING
    return None


# Acknowledgement, yes and no

_THANKS = re.compile(
    r"(?:(?:好+|好的+|好嘞|好滴|好吧|收到|谢+|谢谢+|谢谢(?:你|您|老师|大家|侬)|多谢|感谢|感恩|嗯+|恩+|哦+|噢+|喔+|知道了?|晓得了?|明白了?|"
    r"了解|ok+|okay|okk|thanks|thank you|thx|唔该|多谢晒|辛苦了?|老师|你|您|了|的|啦|没问题|👌|👍|🙏|🌹|🤝|😊)[,.。、!~ ]*)+"
)
_YES = frozenset(
    "好 好的 好啊 好滴 好嘞 好吧 愿意 我愿意 同意 我同意 可以 可以的 要 要的 行 行的 是 是的 对 对的 嗯 嗯嗯 没问题 想 想的 "
    "需要 我要 我想 ok yes y 好呀 当然 当然可以 肯 中 得 成 好好 安全 要接送 需要的 👌 👍".split()
)
_NO = re.compile(
    r"(?:我|先|就|还是|暂时|那|现在|目前)*(?:不+|不了|不要了?|不用了?|不用麻烦了?|不必了?|不需要了?|不想要?了?|不同意|不愿意|不可以|不行|不好|"
    r"不是|算了|免了|别|别了|勿要|唔使|唔要|没必要|不谢谢|no|n|nope|不肯)(?:的|谢谢)?"
)


def is_thanks(text: str) -> bool:
    """An acknowledgement and nothing more: it thanks, and answers no question."""
    plain = normalise(text)
    return bool(_THANKS.fullmatch(plain) or _THANKS.fullmatch(_FACES.sub("", plain)) or plain in _FACE_THANKS)


_FACE_THANKS = frozenset(("[ok]", "[抱拳]", "[玫瑰]", "[强]", "[合十]", "[握手]", "[谢谢]"))


def yes_no(text: str) -> bool | None:
    plain = _core(text).replace(" ", "")
    if _NO.fullmatch(plain):
        return False
    return True if plain in _YES or plain.rstrip(_PARTICLES) in _YES else None


# Commands


class Command(StrEnum):
    HELP = "help"
    PERSON = "person"
    STOP = "stop"
    RESUME = "resume"
    CHANGE = "change"
    ARRIVED = "arrived"
    MY_ACTIVITIES = "my_activities"
    MY_DATA = "my_data"
    DELETE = "delete"
    CONFIRM_DELETE = "confirm_delete"
    BIND_FAMILY = "bind_family"
    UNBIND = "unbind"
    MOOD = "mood"


_COMMANDS = {
    word: command
    for command, words in {
        Command.HELP: "帮助 帮忙 ? ?? ??? 菜单 help 看不懂 看不懂了 怎么用 功能 不会用 h",
        Command.PERSON: "找人 人工 找社工 找老师 人工服务 转人工 找真人 我要找人 我找老师 我要找老师 我想找老师 找个人",
        Command.STOP: "停 停止 退订 别发了 td t 不要再发 不要再发了 不要发了 取消订阅 停止提醒 停掉 别再发了 unsubscribe stop 取消提醒",
        Command.RESUME: "恢复 继续提醒 恢复提醒 重新开始 继续发 resume",
        Command.CHANGE: "改 改主意 改主意了 我要改 我改主意了 改一下 想改",
        Command.ARRIVED: "到了 我到了 签到 已到 我已到 已经到了 我已经到了 打卡 到啦 我到啦 到了到了",
        Command.MY_ACTIVITIES: "我的活动 活动 有什么活动 有啥活动 最近活动 最近有什么活动 看我的活动 活动安排",
        Command.MY_DATA: "我的资料 我的记录 看我的记录 资料",
        Command.DELETE: "删除 删除资料 删除记录 删掉 删除我的资料",
        Command.CONFIRM_DELETE: "确定删除 确认删除",
        Command.BIND_FAMILY: "绑定家属 绑定家人 绑家属",
        Command.UNBIND: "解绑 解除绑定 取消家属 取消绑定 解绑家属 解绑家人",
        Command.MOOD: "心情 今天心情 我的心情 记心情",
    }.items()
    for word in words.split()
}


def command(text: str) -> Command | None:
    """A command is the whole message; "停电了" is not "停"."""
    plain = _squeezed(text)
    return _COMMANDS.get(plain) or _COMMANDS.get(_core(text).replace(" ", ""))


class StaffVerb(StrEnum):
    TAKE = "take"
    TRANSFER = "transfer"
    ASSIST = "assist"
    RESULT = "result"
    INVITE = "invite"
    CHECK_IN = "check_in"
    FIX_CHECK_IN = "fix_check_in"
    BUSY = "busy"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class StaffCommand:
    verb: StaffVerb
    code: str | None = None  # "A-0312", however it was typed
    rest: str = ""  # a name, or the number of an outcome


_STAFF = {
    "接": StaffVerb.TAKE,
    "接手": StaffVerb.TAKE,
    "我接": StaffVerb.TAKE,
    "我来接": StaffVerb.TAKE,
    "转": StaffVerb.TRANSFER,
    "转给": StaffVerb.TRANSFER,
    "协助": StaffVerb.ASSIST,
    "结果": StaffVerb.RESULT,
    "结束": StaffVerb.RESULT,
    "邀请": StaffVerb.INVITE,
    "签到": StaffVerb.CHECK_IN,
    "改签到": StaffVerb.FIX_CHECK_IN,
    "忙": StaffVerb.BUSY,
    "登记": StaffVerb.REGISTER,
}
_STAFF_LINE = re.compile(rf"({'|'.join(sorted(_STAFF, key=len, reverse=True))})(?![给手电送])(.*)")
_CODE = re.compile(r"(?<![a-z])([a-z])[ -]?(\d{4})(?!\d)")
_NAME = re.compile(r"[\w ·]{0,20}")
_ALONE = frozenset((StaffVerb.BUSY, StaffVerb.FIX_CHECK_IN))  # words that take a code at most


def staff_command(text: str) -> StaffCommand | None:
    """`接 A-0312`, `转 李红`, `结果 A0312 1`, in any order of code and name. For staff only: the caller knows."""
    plain = re.sub(r"[‐-―−]", "-", normalise(text))
    found = _STAFF_LINE.fullmatch(plain)
    if not found:
        return None
    verb, tail = _STAFF[found[1]], found[2]
    coded = _CODE.search(tail)
    code = f"{coded[1].upper()}-{coded[2]}" if coded else None
    rest = " ".join((tail[: coded.start()] + " " + tail[coded.end() :] if coded else tail).split()).strip(",:。. ")
    if not _NAME.fullmatch(rest) or (rest and (verb in _ALONE or verb is StaffVerb.TAKE)):
        return None
    return StaffCommand(verb, code, rest)


# Codes

_BIND = re.compile(r"(?:(?:我的|我要|请)?(?:绑定家属|绑定家人|绑定码|绑定|邀请码|验证码|码)(?:是|为)?)?[:, ]*((?:\d[ -]*){6})")
_FOUR = re.compile(r"(?:(?:我)?(?:到了|签到|签到码|码|今天的码|密码)(?:是)?)?[:, ]*((?:\d[ -]*){4})")


def bind_code(text: str) -> str | None:
    """Six digits, possibly after 绑定, possibly in groups: "123 456"."""
    return _digits(_BIND, text)


def four_digits(text: str) -> str | None:
    """The four digits on the wall."""
    return _digits(_FOUR, text)


def _digits(pattern: re.Pattern[str], text: str) -> str | None:
    plain = re.sub(r"[‐-―−]", "-", normalise(text))
    found = pattern.fullmatch(plain)
    return re.sub(r"[^0-9]", "", "".join(str(unicodedata.digit(each, "")) for each in found[1])) if found else None


# Mood

_MOOD_FACES = {"😄": 5, "😀": 5, "😃": 5, "😁": 5, "🙂": 4, "😊": 4, "☺": 4, "😐": 3, "😑": 3, "🙁": 2, "☹": 2, "😟": 2, "😔": 2}
_MOOD_FACES |= {"😣": 1, "😖": 1, "😫": 1, "😭": 1}
_MOOD_WORDS = {
    **dict.fromkeys("很难受 非常难受 难受 好难受 太难受了 很难过 很差 糟透了 很不好 非常不好".split(), 1),
    **dict.fromkeys("不太好 不大好 不好 不怎么好 不太行 有点差 有点难受 不是很好 勿大好 心情不好".split(), 2),
    **dict.fromkeys("一般 一般般 还行 还好 还可以 马马虎虎 就那样 凑合 平平 老样子 差不多 过得去 普通".split(), 3),
    **dict.fromkeys("不错 挺好 蛮好 比较好 还不错 好 可以 好的 挺不错 蛮不错".split(), 4),
    **dict.fromkeys("很好 非常好 特别好 好极了 太好了 很开心 很高兴 开心 高兴".split(), 5),
}
_MOOD_LEAD = re.compile(r"^(?:我?(?:今天|今日|这周|最近)?(?:的)?(?:心情|情绪|感觉)(?:是|打|为|:|,)?|我?(?:选|打|回|给)) *")
_MOOD_SCORE = re.compile(r"([1-5一二三四五])(?: *分)?(?:$|(?P<gap>[ ,.。、:;!\n]+|吧[,。 ]*|(?=[^\d\s点号楼个月日年:：.块元岁天路斤次])))(.*)")


def mood(text: str) -> tuple[int, str] | None:
    """A score from 1 to 5 and the sentence that came with it: "3 有点累", "心情3", "🙁", "不太好"."""
    raw = unicodedata.normalize("NFKC", "".join(each for each in text if not _invisible(each))).strip()
    faces = [_MOOD_FACES[each] for each in raw if each in _MOOD_FACES]
    if raw and raw[0] in _MOOD_FACES and len(set(faces)) == 1 and not re.match(r"\D?\s*(?:心情)?\d", raw):
        return faces[0], normalise("".join(each for each in raw if each not in _MOOD_FACES)) 
    led = _MOOD_LEAD.match(normalise(text))
    plain = _MOOD_LEAD.sub("", normalise(text))
    scored = _MOOD_SCORE.fullmatch(plain)
    if scored and (scored[1].isascii() or not scored[3] or scored["gap"] or "分" in plain[:3]):
        digit = scored[1]
        return (_HANZI_DIGITS.get(digit) or int(digit)), scored[3].strip()
    head, _, rest = re.sub(r"[,。!;]", " ", plain, count=1).partition(" ")
    if (word := _MOOD_WORDS.get(head)) is not None and (led or word != 4 or head not in ("好", "好的", "可以")):
        return word, rest.strip()
    return None
