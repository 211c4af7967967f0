"""A row that every built-in reward can read."""

from __future__ import annotations

import json

ROW = (
    json.dumps(
        {
            "prompt": "Make 4 of 1 and 3.",
            "completion": "<think>\n1 + 3\n</think>\n<answer>\n1 + 3\n</answer>",
            "completion_ids": list(range(20)),
            "gold": "4",
            "nums": [1, 3],
            "target": 4,
            "language": "python",
            "test_list": [],
            "verification_info": {},
            "official_tests": [],
            "id": "x",
            "year": 2024,
            "subtask": "s",
            "time_limit": 1,
            "memory_limit": 64,
            "public_tests": {"input": [], "output": []},
            "private_tests": {"input": [], "output": []},
            "title": "t",
            "input_mode": "stdio",
            "schema": {"type": "integer"},
            "elements": ["answer"],
            "pattern": "[0-9]",
        }
    )
    + "\n"
)
