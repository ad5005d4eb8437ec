"""The shipped rules: every example holds, no mask hides a person, and the idioms of everyday talk stay quiet."""

import pytest

from bot.screening import Level, load_rules, screen
from bot.screening.engine import read
from bot.screening.rules import Mask, Rule

BOOK = load_rules()


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in BOOK.rules for text in rule.examples_pos])
def test_fires(rule: Rule, text: str) -> None:
    assert (rule.id, rule.level) in [(hit.rule, hit.level) for hit in screen(text).hits]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in BOOK.rules for text in rule.examples_neg])
def test_stays_quiet(rule: Rule, text: str) -> None:
    assert (rule.id, rule.level) not in [(hit.rule, hit.level) for hit in screen(text).hits]


@pytest.mark.parametrize("mask", BOOK.masks, ids=lambda mask: mask.phrases[0])
def test_a_mask_silences_its_idiom_and_hides_nobody(mask: Mask) -> None:
    for text in mask.harmless:
        assert read(text, BOOK).level == Level.NONE
    for text in mask.must_fire:
        assert screen(text).level >= Level.ORANGE


@pytest.mark.parametrize("text", BOOK.grammar.must_fire)
def test_a_negator_hides_nobody(text: str) -> None:
    assert screen(text).level >= Level.ORANGE


@pytest.mark.parametrize(
    "text",
    [
        "笑死我了",
        "想死你们了",
        "死党明天结婚",
        "剧本杀三缺一",
        "菜场跳楼价五块",
        "不想活动，腿疼",
        "热死了",
        "他打我电话",
        "借点钱开学再还",
        "顺丰今天寄走了",
        "确定好时间",
        "衣服被打湿了",
        "感冒不吃药也好了",
        "医生让我停药的",
        "我先走了",
        "不想去了",
        "没空，来不了",
        "作业多得要命",
        "《自杀小队》好看",
        "我不会自杀的",
        "1",
        "好的",
        "来不及了",
        "无语",
        "😄",
        "手机死机了",
        "下班了，我先走一步",
        "他打死也不肯来",
        "自杀热线是多少，宣传栏要写",
        "今天吃鱼",
        "有没有吃药",
    ],
)
def test_everyday_talk(text: str) -> None:
    assert screen(text).level < Level.ORANGE


@pytest.mark.parametrize(
    ("text", "level", "category"),
    [
        ("不想活了，不去了", Level.RED, "suicide"),
        ("1 不想活了", Level.RED, "suicide"),
        ("自 杀 我想", Level.ORANGE, "suicide"),
        ("我想自.杀", Level.RED, "suicide"),
        ("我想自\u200b杀", Level.RED, "suicide"),
        ("我 想 死", Level.RED, "suicide"),
        ("我想自殺", Level.RED, "suicide"),
        ("藥我早不吃了", Level.ORANGE, "medication"),
        ("没有一天不想死", Level.ORANGE, "suicide"),
        ("活着没意思", Level.ORANGE, "suicide"),
        ("他说他想死", Level.RED, "third_party"),
        ("我儿子说不想活了", Level.RED, "third_party"),
        ("我儿子说我没用，我不想活了", Level.RED, "suicide"),
        ("以前想自杀，现在好了", Level.YELLOW, "suicide"),
        ("以前想自杀，现在又想自杀了", Level.RED, "suicide"),
        ("有首歌的歌词是我想死", Level.YELLOW, "suicide"),
        ("不是不想死", Level.ORANGE, "suicide"),
        ("电视里的人在说我", Level.ORANGE, "relapse"),
        ("又失眠了", Level.YELLOW, "distress"),
        ("", Level.NONE, "none"),
    ],
)
def test_readings(text: str, level: Level, category: str) -> None:
    reading = screen(text)
    assert (reading.level, reading.category) == (level, category)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("我不活了", Level.RED),
        ("不活了", Level.ORANGE),
        ("老子不活了", Level.ORANGE),
        ("我去跳楼了", Level.RED),
        ("让我死吧", Level.RED),
        ("让我去死吧", Level.RED),
        ("我想结束这一切", Level.RED),
        ("一切都该结束了，再见", Level.ORANGE),
        ("想结束自己的生命", Level.RED),
        ("不想醒过来了", Level.ORANGE),
        ("今晚睡下去就不想再醒了", Level.ORANGE),
        ("要是明天醒不过来就好了", Level.ORANGE),
        ("没有活下去的意义", Level.ORANGE),
        ("活下去有什么意义", Level.ORANGE),
        ("我找不到活下去的理由", Level.ORANGE),
        ("我走了你们保重", Level.RED),
        ("我走了，你们都好好的", Level.RED),
        ("下辈子再见", Level.RED),
        ("下辈子再做你女儿", Level.RED),
        ("救命", Level.ORANGE),
        ("救命啊救救我", Level.ORANGE),
        ("救命！！！", Level.ORANGE),
        ("救命，他有刀", Level.RED),
        ("我撑不下去了", Level.ORANGE),
        ("永别了", Level.RED),
        ("永别了大家", Level.RED),
        ("遗书写好了", Level.RED),
        ("遗书我放抽屉里了", Level.RED),
        ("药都攒好了", Level.RED),
        ("安眠药够了", Level.ORANGE),
        ("我要跳楼了在楼顶", Level.RED),
        ("我要跳楼了", Level.RED),
        ("我现在在楼顶，风很大", Level.RED),
        ("我在桥上，往下看", Level.RED),
        ("坐在江边，想走进去", Level.RED),
        ("活着好累", Level.ORANGE),
        ("活着真累", Level.ORANGE),
        ("活够了", Level.ORANGE),
        ("我活腻了", Level.ORANGE),
        ("活得太累了不想活", Level.ORANGE),
        ("我要死", Level.ORANGE),
        ("我想死", Level.RED),
        ("我去死", Level.RED),
        ("我要去死", Level.RED),
        ("我想去死了", Level.RED),
        ("死了算了", Level.RED),
        ("wo xiang si", Level.ORANGE),
        ("wo xiang zisha", Level.RED),
        ("zisha", Level.ORANGE),
        ("bu xiang huo le", Level.RED),
        ("wo bu xiang huo le", Level.RED),
        ("buxianghuo", Level.ORANGE),
        ("唔想生存", Level.ORANGE),
        ("我唔想生存落去", Level.RED),
        ("唔想再捱", Level.ORANGE),
        ("我唔想做人喇", Level.ORANGE),
        ("我想去死", Level.RED),
        ("我要去死啦", Level.RED),
        ("我唔想活喇", Level.RED),
        ("冇意思，死咗算", Level.ORANGE),
        ("我想自殺", Level.RED),
        ("遺書寫好了", Level.RED),
        ("永別了", Level.RED),
        ("沒有活下去的意義", Level.ORANGE),
        ("下輩子再見", Level.RED),
        ("讓我死吧", Level.RED),
        ("救命啊", Level.ORANGE),
        ("我撐不下去了", Level.ORANGE),
        ("藥都攢好了", Level.RED),
        ("我想離開這個世界", Level.RED),
        ("离开这个世界", Level.ORANGE),
        ("想永远离开你们", Level.ORANGE),
        ("再见了，这个世界", Level.RED),
        ("各位，来世再见", Level.RED),
        ("忘了我吧", Level.ORANGE),
        ("就当没生过我", Level.ORANGE),
        ("爸妈对不起，我先走了", Level.RED),
        ("妈，对不起，别找我", Level.RED),
        ("不要来找我，我走了", Level.RED),
        ("给大家添麻烦了，今晚就结束", Level.RED),
        ("我准备好了绳子", Level.RED),
        ("炭已经买好了", Level.RED),
        ("今晚自鲨", Level.RED),
        ("想4", Level.ORANGE),
        ("想s", Level.ORANGE),
        ("好想亖", Level.ORANGE),
        ("早就不想活着了", Level.ORANGE),
        ("不想活着", Level.ORANGE),
        ("真的不想再熬下去了", Level.ORANGE),
        ("坚持不下去了，想走了", Level.ORANGE),
        ("活一天算一天，不如早点结束", Level.ORANGE),
        ("我只想解脱", Level.ORANGE),
        ("没人会在乎我死没死", Level.ORANGE),
        ("我死了你们别哭", Level.RED),
        ("割腕了，血好多", Level.RED),
        ("喝酒了，我撑不下去了", Level.ORANGE),
        ("我走了，不回家了，你们保重", Level.RED),
        ("老师，脑子里有个声音让我去死", Level.RED),
        ("我想死 海边没人", Level.RED),
        ("拿刀要剁他", Level.RED),
    ],
)
def test_plain_words_of_danger(text: str, level: Level) -> None:
    assert screen(text).level >= level


@pytest.mark.parametrize(
    "text",
    [
        "笑死我了",
        "救命稻草",
        "她是我的救命恩人",
        "救命钱被骗了",
        "救命药断货",
        "救命，太好笑了",
        "救命作业写不完了",
        "不活动了",
        "那棵树不活了",
        "鱼不活了吧",
        "鱼养不活了",
        "我去跳楼机那边",
        "结束这一切手续就能回家",
        "会议结束了",
        "比赛结束了",
        "早上不想醒，上班要迟到",
        "今天周末不想起床",
        "这个梦太好了不想醒",
        "我走了，拜拜",
        "我先走了你们慢慢吃",
        "我走了，你们玩好",
        "路上保重",
        "天冷保重身体",
        "下周再见",
        "明天再见",
        "吃撑了撑不下",
        "药都配好了",
        "药买好了在路上",
        "感冒药备好了",
        "我在楼顶收衣服",
        "楼顶风很大，被子收进来了",
        "活着真好",
        "活到老学到老",
        "我要死了作业太多",
        "热得要死",
        "我想试试",
        "xiang si ni le",
        "xiangsheng",
        "我想S码的衣服",
        "想4点来",
        "想去死海旅游",
        "要去死谷玩",
        "我要死磕到底",
        "《永别了武器》好看",
        "没有意义的会议",
        "离开这个公司",
        "遗书是那部电影的名字",
        "忘了我吧这首歌好听",
        "来世今生那家店",
        "我不会死的",
        "死不了，放心",
        "不会想死了，现在好了",
        "上个月想死，现在好多了",
        "救命设备培训礼拜三",
        "他是救命的医生",
        "永别歌词",
    ],
)
def test_the_same_words_in_harmless_talk(text: str) -> None:
    assert screen(text).level < Level.ORANGE


def test_a_cry_counts_alone_only_when_nothing_else_is_said() -> None:
    assert screen("救命").level == screen("  救命啊！！救救我吧😭").level == Level.RED
    assert screen("救命，这个蛋糕好甜").level < Level.ORANGE


def test_the_version_names_the_rules_that_spoke() -> None:
    assert screen("好").version == BOOK.version
    assert BOOK.version.startswith("20")
    assert Level.RED.word == "red"
