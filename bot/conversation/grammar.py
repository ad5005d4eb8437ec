"""What a short answer means. Pure functions over one message; the router knows which question was open.

Two habits hold throughout. A number, a code or a command counts only when it is the whole message, because
"我12点到" is not an answer "1". And negation is read before agreement, because "不能来" contains "能来".
"""

import re
import unicodedata
from enum import StrEnum

# They colour a sentence and change nothing. 了 and 啦 are not among them: "到了" is not "到".
_PARTICLES = "啊呀哦噢喔吧呢哈哟嘛诶欸额呃哇捏滴~"
_MARKS = "。.,、;:!…·'\"“”‘’()[]{}<>「」『』【】-_*^="
LONGEST_ANSWER = 60  # characters; longer is a story, for a person to read
_FACES = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,8}\]")  # WeChat's own faces arrive as [抱拳]
# Repetitions are possessive (`++`): "好好好好…" must not be tried in every grouping.
_TEACHER = "(?:小?[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董程曹袁邓许沈曾彭吕]|小)?老师"
_POLITE = re.compile(rf"^(?:(?:{_TEACHER}|你好|您好|嗯++|哦++|噢++|喔++|唉|哎)[,、。!~ ]*+)++(?=.)")
POLITE_END = re.compile(r"(?<=.)[,、。!~ ]*(?:谢谢(?:你|您|啦|了|老师)?|老师|辛苦了|麻烦了|哈哈+|呵呵+|嘿嘿+)$")
# Only the characters of the words below; names and sentences are handed on as they were written.
_SIMPLIFIED = str.maketrans(
    "來會沒時間還參報過後請個無辦點嗎麼訂發幫綁資動誰準決確應該說話機現緊",
    "来会没时间还参报过后请个无办点吗么订发帮绑资动谁准决确应该说话机现紧",
)


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
    while end > start and (
        bare[end - 1] in _MARKS + _PARTICLES or bare[end - 1].isspace() or _decoration(bare[end - 1])
    ):
        end -= 1
    return unicodedata.normalize("NFKC", " ".join(bare[start:end].split())).lower()


def _invisible(char: str) -> bool:
    """Zero-width characters, emoji selectors, and the frame of a keycap: 1️⃣ is the digit 1 in a frame."""
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f" or char == "\u20e3"


def _decoration(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Cn", "Cs", "Co", "Cc")


def _core(text: str) -> str:
    """`normalise`, simplified, and without a greeting before or thanks after."""
    plain = normalise(text).translate(_SIMPLIFIED)
    if len(plain) > LONGEST_ANSWER:
        return plain
    return normalise(POLITE_END.sub("", _POLITE.sub("", plain)))


# Numbers

_HANZI_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_HANZI_DIGITS |= {"壹": 1, "贰": 2, "叁": 3, "幺": 1}
_NUMBER = re.compile(
    r"(?:我?(?:选择|选|回复|回|报|按|要|是|就)?)(?:第|数字)?\(?(?P<n>[0-9]{1,2}|[一二两三四五六七八九十壹贰叁幺])\)?"
    r"(?:个|项)?(?P<rest>[^0-9]*)"
)
# What may follow the digit: the words of the choices themselves, never a unit of time, amount or place.
_CHOICE = re.compile(
    r"(?:[^\w\s]|\s|会到|能到|准时到|到的|我|会|能|可以|要|不|来|去|了|没|还|想好|好|的|参加|得|行|安全|需要|帮忙|愿意|同意|接送|接|"
    r"想先问问|问问|先|以后再说|有空|准时|一定|肯定)*"
)


def number(text: str, upto: int) -> int | None:
    """The choice 1…`upto`, when the message is that choice and nothing else: "1", "①", "选1", "1能来".

    The words after the digit are not compared with the choice ("1 不来"): `attendance` reads them.
    """
    found = _NUMBER.fullmatch(_core(text))
    if not found or not _CHOICE.fullmatch(found["rest"]):
        return None
    numeral = _HANZI_DIGITS.get(found["n"])
    # "一会来" and "一定来" begin with a numeral and are no choice.
    if numeral and found["rest"] and found["rest"][0] not in " ,.。、:":
        return None
    value = numeral or int(found["n"])
    return value if 1 <= value <= upto else None


_LEADING = re.compile(r"([1-9])(?![0-9点个号楼月日年块元岁天路斤次人位张包片粒瓶%:：])[ ,.。、:;!]*+(?=[^0-9])")


def leading_number(text: str) -> int | None:
    """The choice that stands before other words: "2 不想活了". For whoever may not lose it, and not ask again."""
    found = _LEADING.match(normalise(text))
    return int(found[1]) if found else None


_GRADE = re.compile("(?:选|是|评)?([0-5零])(?:级|分)?")


def grade(text: str) -> int | None:
    """How dangerous it is, from 0 to 5 (危险性评估)."""
    found = _GRADE.fullmatch(_core(text))
    return int(found[1].replace("零", "0")) if found else None


# Coming or not


class Attendance(StrEnum):
    GOING = "going"
    NOT_GOING = "not_going"
    UNDECIDED = "undecided"


# Said of something else: taken out before the rest is read. 来不来 asks, 没事 reassures, 本来 is no coming.
_NOISE = re.compile(
    r"不想活了?|活不下去了?|来不及了?(?!参加|报名|来|去|到|过)|不好意思|对不起|不要紧|不客气|不用谢|没关系|没有?什?么?事|没啥事|"
    r"有什?么?啥?事[吗么]|没问题|来着|下次再?一?定?(?:来|去|参加)|以后再[来去]|改天再?[来去]|"
    r"来不来|去不去|到不到|能不能|会不会|要不要|可不可以|[回起出本原后从将上下带进未近]来|来[电信源]"
)
# "我不是不来" refuses nothing; what it means is for the words after it, or the next question.
_DOUBLE = re.compile(r"(?:不是|没有?说|并非|怎么会|不会|不可能|不得|不能)不(?:想|愿意|能|会)?(?:来|去|参加|到)?了?")
_QUESTION = re.compile(
    r"[?？]|[吗么]$|几点|哪里|哪儿|什么|多少|谁|怎么|还有没有|来不来|去不去|能不能|会不会|要不要|可不可以"
)
_UNDECIDED = re.compile(
    r"看情况|看(?:天气|身体|样子)|要看|不一定|说不定|不确定|没(?:有)?(?:想好|决定|定)|未定|"
    r"(?:^|时候?|天|看|[,。 ])再说|再看|看看再|再想|考虑|"
    r"不好说|难说|说不[好准]|可能(?:来|去|会|能|有)|也许|大概(?:来|去|会|能)|尽量|争取|等等看"
)
# "不知道" is an answer when it is all of it, or when it says of what: "不知道怎么办" is no answer, it is a worry.
_DONT_KNOW = re.compile(
    r"^(?:我|现在|目前|暂时|也|还|都|真的?|,| )*(?:不知道|不晓得|勿晓得)(?:了|的|哎|哦|呢)*$|"
    r"(?:不知道|不晓得|勿晓得)[^,。!?]{0,6}"
    r"(?:(?:能不能|能否|会不会|可不可以|可以不可以|要不要|该不该)[^,。!?]{0,4}?(?:[来去](?!死|跳|世|生)|参加|报名|过来)|"
    r"来不来|去不去|来得了|去得了|有没有(?:空|时间)|有空)"
)
_NOT_GOING = re.compile(
    r"(?:不|勿|冇|唔|没法子?|没办法|无法|别)(?:太|大|想|能|会|可以|打算|准备|愿意|要|再|方便|过)*(?:来|去|到|参加|报名|嚟)|"
    r"(?:来|去|到|走|赶|参加|过来|过去)(?:不|勿|唔)(?:了|成|到|得|动|开)|[出起过]不[来去]|来不及|"
    r"^不行$|^(?:我|这次|今天|明天|就|那|先|还是)*(?:不了|算了)$|不方便|(?:没有?|冇)(?:空|时间)|唔得闲|走不开|抽不开|脱不开|"
    r"有点?事|请个?假|取消|缺席|不(?:报名|参加)|去医院|要[上加]班|住院"
)
_THEN = r"(?:的|了|啦|嘞|参加|活动|报名|一起|一个)*(?=$|[,。!~;… ])"
_GOING = re.compile(
    r"(?:^|会|能|要|想|可以|肯定|一定|准时|按时|准|就|都|也|还是|好的?|行|再|我|明天|今天|下午|上午|一起|全家)"
    rf"(?:来|去|参加|报名|过来|过去|嚟){_THEN}|(?:会|能|准时|按时|一定|肯定|准)到{_THEN}|参加|报名|[算加]我一个|不见不散|"
    rf"有空{_THEN}|得闲|留个?位"
)
_FAREWELL = re.compile("永别|来世|来生|下辈子|遗书|遗言|别找我|不用找我|你们保重|大家保重")  # "我去了" is no yes then
_AFTER_ALL = re.compile(r"(?:又|现在)(?:能|可以)(?:来|去|参加)")  # takes back a no said before it


def attendance(text: str) -> Attendance | None:
    """Coming, not coming, not sure; None when the message does not say. A bare 好的 does not say."""
    plain = _core(text)
    if len(plain) > LONGEST_ANSWER:
        return None
    if _UNDECIDED.search(plain) or _DONT_KNOW.search(plain):
        return Attendance.UNDECIDED
    said = _DOUBLE.sub(" ", _NOISE.sub(" ", plain)).strip()
    if _NOT_GOING.search(said) and not _AFTER_ALL.search(said):
        return Attendance.NOT_GOING
    if _QUESTION.search(plain) or _FAREWELL.search(plain):
        return None
    return Attendance.GOING if _GOING.search(said) else None


# Acknowledgement, yes and no

_THANKS = re.compile(
    r"(?:老师[, ]*+)?+(?:(?:好++|收到|谢++|多谢|感谢|感恩|嗯++|恩++|哦++|噢++|喔++|"
    r"知道|晓得|明白|了解|okay|ok++|thanks|thank you|thx|唔该|辛苦|没问题|👌|👍|🙏|🌹|🤝|😊)"
    r"(?:你|您|侬|大家|了|的|啦|滴|嘞|吧|晒)*+(?:老师)?+[,.。、!~ ]*+)++"
)
_YES = frozenset(
    word
    for words in (
        "好 好的 好啊 好滴 好嘞 好吧 好好 愿意 我愿意 同意 我同意 可以 可以的 要 要的 我要 要接送 行 行的 肯 中 得 成",
        "是 是的 对 对的 嗯 嗯嗯 没问题 想 想的 我想 需要 需要的 当然 当然可以 ok yes y 👌 👍",
    )
    for word in words.split()
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
    NEWS = "news"


_COMMANDS = {
    word: command
    for command, words in {
        Command.HELP: "帮助 帮忙 ? ?? ??? 菜单 help 看不懂 看不懂了 怎么用 功能 不会用 h",
        Command.PERSON: "找人 人工 找社工 找老师 人工服务 转人工 找真人 我要找人 我找老师 我要找老师 我想找老师 找个人",
        Command.STOP: "停 停止 退订 别发了 td t 不要再发 不要再发了 不要发了 别再发了 "
        "取消订阅 停止提醒 取消提醒 停掉 unsubscribe stop",
        Command.RESUME: "恢复 继续提醒 恢复提醒 重新开始 继续发 resume",
        Command.CHANGE: "改 改主意 改主意了 我要改 我改主意了 改一下 想改",
        Command.ARRIVED: "到了 我到了 签到 已到 我已到 已经到了 我已经到了 打卡 到啦 我到啦 到了到了",
        Command.MY_ACTIVITIES: "我的活动 活动 有什么活动 有啥活动 最近活动 最近有什么活动 看我的活动 活动安排",
        Command.MY_DATA: "我的资料 我的记录 看我的记录 资料",
        Command.DELETE: "删除 删除资料 删除记录 删掉 删除我的资料",
        Command.CONFIRM_DELETE: "确定删除 确认删除",
        Command.BIND_FAMILY: "绑定家属 绑定家人 绑家属",
        Command.UNBIND: "解绑 解除绑定 取消家属 取消绑定 解绑家属 解绑家人",
        Command.NEWS: "通知 看通知 小站通知 看全文",
        Command.MOOD: "心情 今天心情 我的心情 记心情",
    }.items()
    for word in words.split()
}


def command(text: str) -> Command | None:
    """A command is the whole message; "停电了" is not "停"."""
    whole = normalise(text).translate(_SIMPLIFIED).replace(" ", "")
    asked = _core(text).replace(" ", "").rstrip("?")
    return _COMMANDS.get(whole) or _COMMANDS.get(asked)


def hyphened(text: str) -> str:
    return re.sub(r"[‐-―−]", "-", normalise(text))


_WHEN_OR_WHERE = re.compile(r"几点|什么时候|啥时候|啥辰光|哪天|在哪|哪里|哪儿|地址|怎么走")


def asks_when_or_where(text: str) -> bool:
    """ "几点啊", "在哪里": what an activity's time and place answer."""
    plain = normalise(text)
    return len(plain) <= 20 and _WHEN_OR_WHERE.search(plain) is not None


# Safety

_UNSAFE = re.compile(
    r"(?:不|唔)(?:是|係)?(?:太|很|好|那么)?安全|帮|救|害怕|好(?:驚|惊)|快来|来人|找人|揾人|搵人|人工|"
    r"\b(?:help(?! yourself)|not (?:really |very |that )?safe|unsafe|scared|afraid|frightened|in danger)\b|"
    r"n[o']t feel safe"
)
_SAFE = re.compile(
    r"(?:1[ ,.:、)]*)?(?:(?:我|我现在|现在)?(?:很|都|好|係|系)?安全(?:的|嘅)?|(?:我)?(?:没|冇)事(?:了|啦)?|"
    r"(?:yes,? )?(?:(?:i'?m|i am) )?safe(?: now| right now)?|(?:i'?m|i am) (?:ok|okay|fine)(?: now)?)"
)


def is_safe(text: str) -> bool | None:
    """The answer to "您现在安全吗", in any of our languages; anything that asks for help is a no."""
    plain = normalise(text).translate(_SIMPLIFIED).replace("\u2019", "'")
    if _UNSAFE.search(plain):
        return False
    return True if _SAFE.fullmatch(plain) else None


# Codes

_BIND = re.compile(
    r"(?:(?:我的|我要|请)?(?:绑定家属|绑定家人|绑定码|绑定|邀请码|验证码|码)(?:是|为)?)?[:, ]*((?:[0-9][ -]*){6})"
)
_FOUR = re.compile(r"(?:(?:我)?(?:到了|签到|签到码|码|今天的码|密码)(?:是)?)?[:, ]*((?:[0-9][ -]*){4})")


def bind_code(text: str) -> str | None:
    """Six digits, possibly after 绑定, possibly in groups: "123 456"."""
    return _digits(_BIND, text)


def four_digits(text: str) -> str | None:
    """The four digits on the wall."""
    return _digits(_FOUR, text)


def _digits(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.fullmatch(hyphened(text))
    return re.sub("[ -]", "", found[1]) if found else None


_PHONE = re.compile(r"(?:我的?)?(?:电话|手机|号码)?(?:是|号)?[:, ]*((?:\+?[0-9][ -]*){7,15})")


def phone_number(text: str) -> str | None:
    """A phone number by itself: "138 0000 0000", "电话 0574-87000000"."""
    return _digits(_PHONE, text)


# Mood

_MOOD_FACES = {
    face: score
    for score, faces in {5: "😄😀😃😁🥰", 4: "🙂😊☺", 3: "😐😑", 2: "🙁☹😟😔", 1: "😣😖😫😭"}.items()
    for face in faces
}
_MOOD_WORDS = {
    word: score
    for score, words in {
        5: "很好 非常好 特别好 好极了 太好了 很开心 很高兴 开心 高兴",
        4: "不错 挺好 蛮好 比较好 还不错 挺不错 蛮不错 挺好的 蛮好的 不错的",
        3: "一般 一般般 还行 还好 还可以 马马虎虎 就那样 凑合 老样子 差不多 过得去",
        2: "不太好 不大好 不好 不怎么好 不太行 有点差 有点难受 不是很好 勿大好",
        1: "很难受 非常难受 难受 好难受 太难受 太难受了 很难过 很差 糟透了 很不好 非常不好",
    }.items()
    for word in words.split()
}
_MOOD_LEAD = re.compile(
    r"^我?(?:今天|今日|这周|最近)?的?(?:心情|情绪|感觉|(?<=我)[选打回给]|^[选打回])(?:是|打|为|有)?[:, ]*"
)
_SCORE = re.compile(
    r"(?P<n>[1-5]|[一二三四五](?=分|$|[ ,。]))(?![.:]?[0-9]) *(?P<points>分)?"
    r"(?:$|(?P<gap>[ ,.。、:;!吧]+)|(?=[^0-9]))(?P<rest>.*)"
)
# 3点, 3个人, 3号: the digit counts something.
_COUNTED = re.compile(r"[点个号楼月日年块元岁天路斤次人位张路包片粒瓶%:：.]")


def mood(text: str) -> tuple[int, str] | None:
    """A score from 1 to 5 and the sentence with it: "3 有点累", "心情3", "🙁", "不太好"."""
    plain = normalise(text)
    told = _MOOD_LEAD.sub("", plain)
    scored = _SCORE.fullmatch(told)
    if scored and (scored["points"] or scored["gap"] or not _COUNTED.match(scored["rest"])):
        return _HANZI_DIGITS.get(scored["n"]) or int(scored["n"]), scored["rest"].strip()
    faces = {_MOOD_FACES[each] for each in text if each in _MOOD_FACES}
    if len(faces) == 1 and text.strip()[0] in _MOOD_FACES:
        rest = "".join(each for each in plain if each not in _MOOD_FACES)
        return faces.pop(), normalise(rest)
    head, _, rest = re.sub(r"[,。!;]", " ", told, count=1).partition(" ")
    score = _MOOD_WORDS.get(head)
    return (score, rest.strip()) if score else None
