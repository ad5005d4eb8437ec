"""What may be a password: long enough, not one that everybody tries first. No rules about kinds of characters.

After NIST SP 800-63B 5.1.1.2: length and a list of the common ones, and nothing that has to be changed every month.
"""

import re
import unicodedata
from collections.abc import Iterable

SHORTEST = 10
LONGEST = 200
OWN_PART = 6  # characters that must be there besides somebody's login and name

# Of ten characters or more, from the public lists of passwords that leaked most often, and what is typed first in
# Chinese. Runs of a keyboard's rows and repeated pieces are found by rule.
COMMON = frozenset(
    """
    password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 mypassword mypassword1 password01
    administrator administrator1 admin12345 admin123456 admin1234567 admin@12345 admin@123456 adminadmin root123456
    qwerty12345 qwerty123456 qwertyuiop1 qwertyuiop123 q1w2e3r4t5 q1w2e3r4t5y6 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc
    1qazxsw23edc qazwsxedcrfv zaq12wsxcde3 !qaz2wsx#edc asdfghjkl1 zxcvbnm123 zxcvbnm1234 asdf123456 asd123456789
    iloveyou12 iloveyou123 iloveyou1314 woaini1314 woaini5201314 woaini123456 5201314520 1314520520
    woaini1314520 aini1314520 abc1234567 abc12345678 abc123456789 abcd123456 abcd12345678 abcdef123456 a123456789
    a1234567890 a12345678a aa12345678 aa123456789 aaa1234567 123456789a 123456789q 1234567890a 123456789abc qq123456789
    qq12345678 zz123456789 wang123456 zhang123456 li123456789 woshishui123 zhongguo123 zhongguo1949 nihao123456
    welcome123 welcome1234 welcome2026 changeme123 letmein1234 football123 baseball123 sunshine123 princess123
    superman123 dragon12345 monkey12345 computer123 internet123 test123456 testtest123 user123456 guest12345
    huawei123456 tongxing123 tongxing1234 tongxing2026 tongxing123456 xiaozhan123 shegong123 shegong123456 mima123456
    1234qwerasdf 123qweasdzxc 1234567890qwerty qwe123456789 1qa2ws3ed4rf 147258369a 14725836900 159357456852 0147258369
    """.split()  # noqa: SIM905 - read as lines
)
ROWS = ("01234567890123456789", "09876543210987654321", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
        "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p")  # fmt: skip
REPEATED = re.compile(r"(.{1,4}?)\1+.{0,3}")


def fault(password: str, about: Iterable[str]) -> str:
    """Which sentence says why this cannot be the password: short, long, common or own; "" if it can.

    `about`: what others know of this person: login, name, code.
    """
    typed = unicodedata.normalize("NFKC", password)
    if len(typed) < SHORTEST:
        return "short"
    if len(typed) > LONGEST:
        return "long"
    plain = typed.casefold()
    if plain in COMMON or any(plain in row for row in ROWS) or REPEATED.fullmatch(plain):
        return "common"
    rest = plain
    for word in sorted({unicodedata.normalize("NFKC", one).strip().casefold() for one in about}, key=len, reverse=True):
        rest = rest.replace(word, "") if word else rest
    return "own" if len(rest) < OWN_PART else ""
