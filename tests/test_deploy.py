"""The CloudFormation template makes the very table that the code declares, and gives no more rights than the code uses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.decode import decode_str

from crm.store import schema
from crm.store import table as table_module

TEMPLATE = Path(__file__).parents[1] / "deploy" / "cloudformation.yaml"
TABLE_RIGHTS = {
    "batch_get_item": {"BatchGetItem"},
    "get_item": {"GetItem"},
    "query": {"Query"},
    "scan": {"Scan"},
    "put_item": {"PutItem"},
    "update_item": {"UpdateItem"},
    "delete_item": {"DeleteItem"},
    "transact_write_items": {"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"},
    "describe_table": {"DescribeTable"},
    "describe_time_to_live": {"DescribeTimeToLive"},
}
"""Rights that each call of boto3 needs; transactions are allowed by the rights of what they consist of."""
SET_UP = {"create_table", "update_table", "update_time_to_live"}
"""Calls that make the table, which the template does here."""


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template, problems = decode_str(TEMPLATE.read_text())
    assert not problems
    plain: dict[str, Any] = json.loads(json.dumps(template))["Resources"]
    return plain


def rights(resources: dict[str, Any], policy: str) -> set[str]:
    statements = resources[policy]["Properties"]["PolicyDocument"]["Statement"]
    return {action for one in statements if "Action" in one for action in one["Action"]}


def test_the_template_is_valid() -> None:
    found = lint(TEMPLATE.read_text(), config=ManualArgs(regions=["eu-central-1"], include_checks=["I"]))

    assert [f"{one.rule.id} {one.message}" for one in found] == []


def test_the_table_is_the_one_that_the_code_declares(resources: dict[str, Any]) -> None:
    properties = resources["Table"]["Properties"]
    declared = schema.create_request("CommunityApp")

    made = {name: properties[name] for name in declared if name != "TableName"}

    assert made == {name: value for name, value in declared.items() if name != "TableName"}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": schema.TTL_ATTRIBUTE, "Enabled": True}


def test_the_table_outlives_the_stack_and_can_be_set_back(resources: dict[str, Any]) -> None:
    table = resources["Table"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("policy", ["WebPolicy", "WorkerPolicy"])
def test_a_policy_allows_what_the_table_is_asked_for_and_nothing_else(resources: dict[str, Any], policy: str) -> None:
    source = Path(table_module.__file__).read_text()
    calls = set(re.findall(r'"((?:batch|get|put|update|delete|transact|describe|create)_[a-z_]+|query|scan)"', source)) - SET_UP

    needed = {f"dynamodb:{right}" for call in calls for right in TABLE_RIGHTS[call]}

    assert calls >= {"get_item", "query", "transact_write_items"}
    assert rights(resources, policy) == needed


@pytest.mark.parametrize("policy", ["WebPolicy", "WorkerPolicy"])
def test_a_policy_names_what_it_is_about(resources: dict[str, Any], policy: str) -> None:
    statements = json.dumps(resources[policy]["Properties"]["PolicyDocument"]["Statement"])

    assert '"Resource": "*"' not in statements
    assert "dynamodb:*" not in statements


def test_amazon_tells_only_the_topic_and_only_from_this_account(resources: dict[str, Any]) -> None:
    [statement] = resources["MailTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert set(statement["Condition"]["StringEquals"]) == {"AWS:SourceAccount", "AWS:SourceArn"}
    assert resources["MailSubscription"]["Properties"]["RawMessageDelivery"] is False, "what is raw is not signed"
