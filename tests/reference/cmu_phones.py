"""The 39 phones of the CMU Pronouncing Dictionary, without stress marks."""

_PHONES = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
CMU = frozenset(_PHONES.split())
