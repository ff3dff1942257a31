"""The time zone of countries that have one that is obvious."""

from types import MappingProxyType

_ZONES = """
AE Asia/Dubai, AG America/Antigua, AM Asia/Yerevan, AT Europe/Vienna, AZ Asia/Baku,
BA Europe/Sarajevo, BD Asia/Dhaka, BE Europe/Brussels, BG Europe/Sofia, BH Asia/Bahrain,
BI Africa/Bujumbura, BY Europe/Minsk, CH Europe/Zurich, CO America/Bogota, CV Atlantic/Cape_Verde,
CZ Europe/Prague, DE Europe/Berlin, DK Europe/Copenhagen, DO America/Santo_Domingo,
EE Europe/Tallinn, EG Africa/Cairo, FI Europe/Helsinki, FR Europe/Paris, GB Europe/London,
GE Asia/Tbilisi, GH Africa/Accra, GR Europe/Athens, HK Asia/Hong_Kong, HR Europe/Zagreb,
HU Europe/Budapest, IE Europe/Dublin, IL Asia/Jerusalem, IN Asia/Kolkata, IQ Asia/Baghdad,
IR Asia/Tehran, IT Europe/Rome, JP Asia/Tokyo, KE Africa/Nairobi, KH Asia/Phnom_Penh,
KR Asia/Seoul, LK Asia/Colombo, LU Europe/Luxembourg, LV Europe/Riga, MD Europe/Chisinau,
NG Africa/Lagos, NI America/Managua, NL Europe/Amsterdam, NO Europe/Oslo, NP Asia/Kathmandu,
PE America/Lima, PH Asia/Manila, PK Asia/Karachi, PL Europe/Warsaw, RO Europe/Bucharest,
RS Europe/Belgrade, SE Europe/Stockholm, SG Asia/Singapore, SI Europe/Ljubljana,
SL Africa/Freetown, TH Asia/Bangkok, TR Europe/Istanbul, UG Africa/Kampala,
ZA Africa/Johannesburg
"""

ZONES = MappingProxyType(dict(entry.split() for entry in _ZONES.split(",")))
"""ISO country code to IANA zone; countries that span several are left out."""
