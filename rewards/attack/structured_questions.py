"""Questions for rewards of structured output."""

from __future__ import annotations

from veritune.rewards.attack.questions import Question

STRUCTURED: list[Question] = [
    Question(
        frozenset({"schema", "expected"}),
        {
            "schema": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                "required": ["name", "age"],
                "additionalProperties": False,
            },
            "expected": {"name": "Ada", "age": 36},
        },
        '{"name": "Ada", "age": 36}',
        ('{"name": "Ada", "age": 35}', '{"name": "Ada"}', "Ada, 36"),
        {
            "the schema itself": '{"type": "object", "required": ["name", "age"]}',
            "an empty object": "{}",
            "a list around it": '[{"name": "Ada", "age": 36}]',
            "a text for a number": '{"name": "Ada", "age": "36"}',
            "true for a number": '{"name": "Ada", "age": true}',
            "a number in other digits": '{"name": "Ada", "age": 36.5}',
            "a field twice": '{"name": "Ada", "age": 1, "age": 36}',
            "a field more": '{"name": "Ada", "age": 36, "note": "x"}',
            "two documents": '{"name": "Ada", "age": 35} {"name": "Ada", "age": 36}',
            "two fences": '```json\n{"name": "Ada", "age": 36}\n```\n```json\n{"name": "Ada", "age": 35}\n```',
            "a comment in it": '{"name": "Ada", /* "age": 36 */ "age": 35}',
            "not a number": '{"name": "Ada", "age": NaN}',
            "infinity": '{"name": "Ada", "age": Infinity}',
            "a prototype": '{"__proto__": {"name": "Ada", "age": 36}}',
            "a document as a text": '"{\\"name\\": \\"Ada\\", \\"age\\": 36}"',
            "all in the thinking": '<think>{"name": "Ada", "age": 36}</think>',
            "thinking that never ends": '<think>{"name": "Ada", "age": 36}',
            "deep nesting": '{"name":' * 20_000 + "1" + "}" * 20_000,
            "brackets without an end": "[{" * 20_000,
            "a number without an end": '{"name": "Ada", "age": ' + "9" * 100_000 + "}",
            "a text without an end": '{"name": "' + "\\" * 100_000,
            "aliases of aliases": "a: &a [x,x]\n"
            + "".join(f"b{i}: &b{i} [*{'b' + str(i - 1) if i else 'a'}]\n" for i in range(60)),
        },
    ),
    Question(
        frozenset({"elements"}),
        {"elements": {"person": {"@id": "7", "name": "Ada", "skill": ["sums", "looms"]}}},
        '<person id="7"><name>Ada</name><skill>sums</skill><skill>looms</skill></person>',
        (
            '<person id="8"><name>Ada</name><skill>sums</skill><skill>looms</skill></person>',
            '<person id="7"><name>Bob</name><skill>sums</skill></person>',
            "Ada, 7",
        ),
        {
            "an empty element": '<person id="7"/>',
            "children in a comment": '<person id="7"><!-- <name>Ada</name><skill>sums</skill> --></person>',
            "children in CDATA": '<person id="7"><![CDATA[<name>Ada</name><skill>sums</skill>]]></person>',
            "attributes for children": '<person id="7" name="Ada" skill="sums"/>',
            "another order": '<person id="7"><name>Ada</name><skill>looms</skill><skill>sums</skill></person>',
            "a child more": '<person id="7"><name>Ada</name><skill>sums</skill><skill>looms</skill><x/></person>',
            "one element too deep": '<person><person id="7"><name>Ada</name><skill>sums</skill></person></person>',
            "two of them": '<person id="7"><name>Ada</name></person><person id="8"/>',
            "never closed": '<person id="7"><name>Ada</name><skill>sums</skill><skill>looms</skill>',
            "an entity": '<!DOCTYPE p [<!ENTITY n "Ada">]><person id="7"><name>&n;</name></person>',
            "all in the thinking": '<think><person id="7"><name>Ada</name></person></think>',
            "deep nesting": "<person>" * 30_000 + "</person>" * 30_000,
            "elements without an end": "<person id='7'>" * 30_000,
            "comments without an end": "<!--" * 50_000,
        },
    ),
    Question(
        frozenset({"pattern"}),
        {"pattern": "[0-9]{4}-[0-9]{2}-[0-9]{2}"},
        "2026-11-30",
        ("2026-11", "30.11.2026", "2026-11-3x"),
        {
            "prose around it": "It is 2026-11-30, I think.",
            "two of them": "2026-11-30 2026-11-29",
            "other digits": "２０２６-１１-３０",
            "the pattern itself": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
            "digits without an end": "2" * 200_000,
            "all in the thinking": "<think>2026-11-30</think>",
            "thinking that never ends": "<think>2026-11-30",
        },
    ),
]
