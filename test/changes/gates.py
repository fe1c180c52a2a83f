"""Asks the data gate of the Python side about values: reads lines of ``{"schema": …, "values": […]}``.

Writes a line for each: the indices of the values that are refused.
"""

import json
import sys

from bullmq_bridge.contract.contract import ContractViolation, Gate

for line in sys.stdin:
    question = json.loads(line)
    gate = Gate("data", question["schema"])
    refused = []
    for index, value in enumerate(question["values"]):
        try:
            gate.decode(value.encode())
        except ContractViolation:
            refused.append(index)
    print(json.dumps(refused))
