#!/usr/bin/python3
"""A message domain that only stands in the YAML: checked by its schema, delivered everywhere, shown by its line."""

import json
import os

from lib.cases import case, run
from lib.host import Host
from lib.people.netherlink import Netherlink
from lib.program import run as program
from lib.session import Http, PigeonSession

SCHEMA = {"type": "object", "required": ["title", "options"], "additionalProperties": False,
          "properties": {"title": {"type": "string", "minLength": 1},
                         "options": {"type": "array", "items": {"type": "string"}, "minItems": 2}}}
DOMAINS = """\
domains:
  - core
  - use: declared
    name: survey
    domain: "Acme:Survey"
    schema: ${file:survey.schema.json}
    preview: "[问卷] {title} ({options})"
  - {use: declared, name: wave, domain: "Acme:Wave", schema: '{"type": "object"}', preview: "waves", service_only: true}
"""


class Surveying(Host):
    def __init__(self, given, domains=DOMAINS, schema=SCHEMA):
        super().__init__(given.loft, given.plugins, contracts=("im", "carrypigeon", "netherlink"), extra=domains)
        with open(os.path.join(self.directory, "survey.schema.json"), "w", encoding="utf-8") as file:
            json.dump(schema, file)

    def check(self):
        return program(self.loft, "check", "--config", self.config)


@case
def delivered(given):
    """what fits the schema is stored as it was sent, reaches whom it is for, and is one line to clients that do not know it"""
    with Surveying(given) as host:
        ann, ben = host.account("ann"), host.account("ben")
        status, made = Http(host.im).call("POST", "/api/v1/groups", {"X-User-ID": "ann"}, b'{"name":"two","members":["ben"]}')
        assert status == 200, made
        group = int(made["group"]["id"])
        listener = Netherlink(host, ben)
        listener.enter()
        session = PigeonSession(host.at("carrypigeon"))
        session.log_in(ann["token"], ann["uid"])

        def create(domain, data):
            return session.request("/core/channel/message/create", {"cid": group, "domain": domain, "data": data})

        content = {"title": "Lunch?", "options": ["yes", "no", "later"]}
        answer = create("Acme:Survey", content)
        assert answer["code"] == 200, answer
        assert listener.hear().text == "[问卷] Lunch? (3)"
        rows = session.request("/core/channel/message/list", {"cid": group, "start_time": 0, "count": 5})["data"]["messages"]
        assert [(row["domain"], row["data"]) for row in rows] == [("Acme:Survey", content)], rows

        for wrong in ({"title": "Lunch?"}, {"title": 1, "options": ["a", "b"]}, {"title": "x", "options": ["a", "b"], "more": 1}):
            answer = create("Acme:Survey", wrong)
            assert (answer["code"], answer["data"]) == (100, {"msg": "message type error"}), answer
        assert create("Acme:Wave", {})["code"] != 200
        assert create("Acme:Unknown", {})["code"] != 200
        rows = session.request("/core/channel/message/list", {"cid": group, "start_time": 0, "count": 5})["data"]["messages"]
        assert len(rows) == 1, rows
        listener.leave()


@case
def mistakes(given):
    """`loft check` names the line of each mistake in such an entry, and what mends it"""
    for wrong, said in ((DOMAINS.replace('"Acme:Survey"', "Survey"), "such as Acme:Survey"),
                        (DOMAINS.replace("{title} (", "{title ("), "'{' without '}'"),
                        (DOMAINS.replace("    name: survey\n", "").replace("name: wave, ", ""), "give each its own `name`"),
                        (DOMAINS.replace("name: survey", "name: The Survey"), "lower case"),
                        (DOMAINS.replace("    preview:", "    previw:"), "previw"),
                        (DOMAINS.replace('"Acme:Wave"', '"Acme:Survey"'), "two plugins offer the message domain 'Acme:Survey'"),
                        (DOMAINS.replace("'{\"type\": \"object\"}'", "'{\"type\": 5}'"), "the schema of the message domain 'Acme:Wave'")):
        ran = Surveying(given, wrong).check()
        assert ran.code != 0 and said in ran.err + ran.out, (said, ran)


if __name__ == "__main__":
    run(__doc__)
