"""Signs that stand at numbers -> words: units, currencies, ranges, fractions, dates. Digits stay digits: every voice
reads those."""

from __future__ import annotations

import re
from datetime import date

_UNITS: dict[str, tuple[str, str]] = {
    "ns": ("nanosecond", "nanoseconds"),
    "µs": ("microsecond", "microseconds"),
    "ms": ("millisecond", "milliseconds"),
    "sec": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "kB": ("kilobyte", "kilobytes"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "PB": ("petabyte", "petabytes"),
    "MiB": ("mebibyte", "mebibytes"),
    "GiB": ("gibibyte", "gibibytes"),
    "kbit/s": ("kilobit per second", "kilobits per second"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "Gbit/s": ("gigabit per second", "gigabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "GB/s": ("gigabyte per second", "gigabytes per second"),
    "fps": ("frame per second", "frames per second"),
    "px": ("pixel", "pixels"),
    "nm": ("nanometre", "nanometres"),
    "µm": ("micrometre", "micrometres"),
    "mm": ("millimetre", "millimetres"),
    "cm": ("centimetre", "centimetres"),
    "m": ("metre", "metres"),
    "km": ("kilometre", "kilometres"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "cm²": ("square centimetre", "square centimetres"),
    "m²": ("square metre", "square metres"),
    "km²": ("square kilometre", "square kilometres"),
    "sq mi": ("square mile", "square miles"),
    "sq km": ("square kilometre", "square kilometres"),
    "sq ft": ("square foot", "square feet"),
    "sq m": ("square metre", "square metres"),
    "cm³": ("cubic centimetre", "cubic centimetres"),
    "m³": ("cubic metre", "cubic metres"),
    "km³": ("cubic kilometre", "cubic kilometres"),
    "ha": ("hectare", "hectares"),
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "kph": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("metre per second", "metres per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "bpm": ("beat per minute", "beats per minute"),
    "µg": ("microgram", "micrograms"),
    "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "kg": ("kilogram", "kilograms"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ml": ("millilitre", "millilitres"),
    "mL": ("millilitre", "millilitres"),
    "cl": ("centilitre", "centilitres"),
    "L": ("litre", "litres"),
    "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"),
    "GW": ("gigawatt", "gigawatts"),
    "Wh": ("watt hour", "watt hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "MWh": ("megawatt hour", "megawatt hours"),
    "mAh": ("milliampere hour", "milliampere hours"),
    "V": ("volt", "volts"),
    "kV": ("kilovolt", "kilovolts"),
    "kJ": ("kilojoule", "kilojoules"),
    "kcal": ("kilocalorie", "kilocalories"),
    "dB": ("decibel", "decibels"),
    "hPa": ("hectopascal", "hectopascals"),
    "kPa": ("kilopascal", "kilopascals"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
}
_CURRENCIES = {"$": "dollar", "US$": "US dollar", "£": "pound", "€": "euro", "¥": "yen", "₹": "rupee"}
_SCALES = {"k": "thousand", "m": "million", "M": "million", "mn": "million", "bn": "billion", "B": "billion"}
_SCALES |= {
    "tn": "trillion",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
}
_FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
# Written out, because date.strftime speaks the language of the machine.
_YEAR = "January February March April May June July August September October November December"
_MONTHS = _YEAR.split()

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:[ \u00a0\u2009\u202f]\d{3}){2,}|[ \u00a0\u2009\u202f]000)(?!\d)")
_UNIT_NAMES = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_WITH_UNIT = re.compile(rf"(?<![\w$£€¥₹.,])({_NUMBER})([ \u00a0\u202f-]?)({_UNIT_NAMES})(?![\w/²³'’])")
_SIGNS = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_MONEY = re.compile(
    rf"(?<![\w$])({_SIGNS})\s?({_NUMBER})(?:[ \u00a0-]?({'|'.join(sorted(_SCALES, key=len, reverse=True))})\b)?"
)
_MONEY_RANGE = re.compile(rf"(?<![\w$])({_SIGNS})\s?({_NUMBER})\s?[-–—]\s?(?:\1)?(?={_NUMBER})")
_DATE = re.compile(r"(?<![\d/-])(\d{4})-(\d{2})-(\d{2})(?:T[\d:.]+Z?)?(?![\d/-])")
_FRACTION = re.compile(r"(?<![\d/.])(?:(\d+)[ -])?([123]/[234])(?![\d/])")
_YEARS = re.compile(r"(?<![\d-])((?:1[0-9]|20)\d\d)-((?:1[0-9]|20)?\d\d)(?![\d-])")
_SMALL_RANGE = re.compile(rf"(?<![\d.,-])(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)(?=\s?(?:%|{_UNIT_NAMES})(?!\w)|\s[a-z]+s\b)")
_SIMPLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=[\d%])\s?[–—]\s?(?=\d)"), " to "),
    (re.compile(r"(?<=\d)\s?(?:x|×)\s?(?=\d)"), " by "),
    (re.compile(r"(?<=\d)(?:x|×)(?!\w)"), " times"),
    (re.compile(r"[~≈]\s?(?=[\d$£€])"), "about "),
    (re.compile(r"(?:±|\+/-)\s?(?=\d)"), "plus or minus "),
    (re.compile(r"(?:≥|>=)\s?(?=[\d$£€])"), "at least "),
    (re.compile(r"(?:≤|<=)\s?(?=[\d$£€])"), "at most "),
    (re.compile(r"(?<!\S)<\s?(?=[\d$£€])"), "less than "),
    (re.compile(r"(?<!\S)>\s?(?=[\d$£€])"), "more than "),
    (re.compile(r"(?<!\S)#(?=\d)"), "number "),
    (re.compile(r"(?<=\d)\s(?:\*|·)\s(?=\d)"), " times "),
    (re.compile(r"\b(?:about|circa) about\b"), "about"),
)


def said(text: str) -> str:
    """The text with the signs between, before and after its numbers as words: "20–30 ms" -> "20 to 30 milliseconds"."""
    text = text.replace("\u03bc", "\u00b5").replace("\u2212", "-")  # Greek mu, minus sign
    text = _GROUPS.sub(lambda match: ",".join(match[0].split()), text)
    text = _DATE.sub(_day, text)
    text = _FRACTION.sub(_fraction, text)
    text = _MONEY_RANGE.sub(_money_range, text)
    text = _MONEY.sub(_money, text)
    text = _YEARS.sub(_years, text)
    text = _SMALL_RANGE.sub(_range, text)
    text = _WITH_UNIT.sub(_unit, text)
    for pattern, words in _SIMPLE:
        text = pattern.sub(words, text)
    return text


def _day(match: re.Match[str]) -> str:
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return match[0]
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _fraction(match: re.Match[str]) -> str:
    words = _FRACTIONS.get(match[2])
    if words is None:
        return match[0]
    return f"{match[1]} and {words}" if match[1] else words


def _plural(currency: str) -> str:
    return currency if currency.endswith("yen") else f"{currency}s"


def _money(match: re.Match[str]) -> str:
    currency, number, scale = _CURRENCIES[match[1]], match[2], match[3]
    words = currency if number == "1" and not scale else _plural(currency)
    return f"{number} {_SCALES[scale]} {words}" if scale else f"{number} {words}"


def _money_range(match: re.Match[str]) -> str:
    return f"{match[2]} to {match[1]}"


def _years(match: re.Match[str]) -> str:
    first, last = match[1], match[2]
    whole = int(last if len(last) == 4 else first[:2] + last)
    return f"{first} to {last}" if whole > int(first) else match[0]


def _range(match: re.Match[str]) -> str:
    return f"{match[1]} to {match[2]}" if float(match[1]) < float(match[2]) else match[0]


def _unit(match: re.Match[str]) -> str:
    number, gap, unit = match[1], match[2], match[3]
    one, many = _UNITS[unit]
    if gap == "-":  # an attribute: "a 5-km walk"
        return f"{number}-{one}"
    return f"{number} {one if number == '1' else many}"
