import inspect
import subprocess
import sys

import pytest

import bullmq_bridge
from bullmq_bridge import AsyncFlow, AsyncQueue, AsyncQueueEvents, Flow, Queue, QueueEvents


@pytest.mark.parametrize("name", bullmq_bridge.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(bullmq_bridge, name) is not None


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Quue'"):
        _ = bullmq_bridge.Quue


def test_importing_the_package_loads_nothing_of_publishing() -> None:
    # A worker's child imports the package: what it does not need would cost memory in each of them.
    parts = ("client", "events", "flow", "queue")
    program = f"import sys, bullmq_bridge; print([p for p in {parts} if f'bullmq_bridge.{{p}}' in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("blocking", "asynchronous"), [(Queue, AsyncQueue), (Flow, AsyncFlow), (QueueEvents, AsyncQueueEvents)]
)
def test_both_forms_have_the_same_methods_with_the_same_parameters(blocking: type, asynchronous: type) -> None:
    def methods(form: type) -> dict[str, tuple[str, ...]]:
        public = {name: method for name, method in vars(form).items() if not name.startswith("_") and callable(method)}
        return {name: tuple(map(str, inspect.signature(m).parameters.values())) for name, m in public.items()}

    assert methods(blocking) == methods(asynchronous)


@pytest.mark.parametrize("form", [AsyncQueue, AsyncFlow, AsyncQueueEvents])
def test_every_method_of_an_asynchronous_form_is_a_coroutine(form: type) -> None:
    public = [method for name, method in vars(form).items() if not name.startswith("_") and callable(method)]
    assert all(inspect.iscoroutinefunction(method) for method in public)
