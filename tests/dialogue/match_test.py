#!/usr/bin/python3
"""The matcher of dialogues says no when it should: otherwise no dialogue could fail."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lib.match import Mismatch, Template, TemplateError, fill, match  # noqa: E402


def keep(template, value, **kept):
    match(Template(template).value, value, kept)
    return kept


class Matching(unittest.TestCase):
    def refuses(self, template, value, **kept):
        with self.assertRaises(Mismatch):
            keep(template, value, **kept)

    def test_a_missing_key_an_extra_key_and_another_value_are_refused(self):
        keep('{"a":1,"b":"x"}', {"a": 1, "b": "x"})
        self.refuses('{"a":1,"b":"x"}', {"a": 1})
        self.refuses('{"a":1}', {"a": 1, "b": "x"})
        self.refuses('{"a":1}', {"a": 2})
        self.refuses('{"a":1}', [1])

    def test_dots_allow_more_keys_and_items_and_nothing_else(self):
        keep('{"a":1,...}', {"a": 1, "b": 2})
        keep("[1,...]", [1, 2])
        self.refuses('{"a":1,...}', {"b": 2})
        self.refuses("[1,...]", [2, 1])
        self.refuses("[1]", [1, 2])
        self.refuses("[1,2]", [1])

    def test_types_are_told_apart(self):
        for template, value in (("1", True), ("1", "1"), ("true", 1), ("null", 0), ("$int", True), ("$int", "1"), ("$int", 1.5),
                                ("$string", 1), ("$time", int(time.time())), ("$iso", "2024-01-01"), ("1", 1.0)):
            self.refuses(template, value)
        keep('[$int,$string,$bool,$null,$any,$time,$iso]',
             [1, "x", False, None, {}, int(time.time() * 1000), "2024-01-01T00:00:00Z"])

    def test_a_value_is_kept_and_compared(self):
        kept = keep('{"id":"msg_$id:m","n":$int:n}', {"id": "msg_12", "n": 7})
        self.assertEqual((kept["m"], kept["n"]), ("12", 7))
        keep('["msg_$m",$m,"$n",$n]', ["msg_12", 12, "7", 7], **kept)
        self.refuses('"msg_$m"', "msg_13", **kept)
        self.refuses('"msg_$m"', "12", **kept)
        self.refuses("$m", "12", **kept)
        self.refuses("$m", 13, **kept)

    def test_what_is_sent_is_filled_in_and_holds_no_placeholder(self):
        value = Template('{"to":"$alice","n":$m,"text":"$$5"}').value
        self.assertEqual(fill(value, {"alice": "a_1", "m": "12"}), {"to": "a_1", "n": 12, "text": "$5"})
        with self.assertRaises(TemplateError):
            fill(Template('{"n":$int}').value, {})

    def test_what_is_no_template_is_refused(self):
        for text in ("{", '{"a"}', '{"a":}', "[1", "$", "nonsense", '{1:2}'):
            with self.assertRaises(TemplateError):
                Template(text)


if __name__ == "__main__":
    unittest.main()
