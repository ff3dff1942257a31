"""The agenda: whom engage has to look at; all others have nothing to do before their instant."""

from crmkit.lifecycle._workspace import Workspace
from crmkit.protocols import batched


def prepare(work: Workspace, *, everyone: bool) -> None:
    """Put everyone on the agenda if it was made with other definitions, or if it is asked for.

    Cut off in the middle, it is made again: the basis is set when everyone is on it.
    """
    store, basis = work.store, work.basis
    if not everyone and store.agenda_basis() == basis:
        return
    store.set_agenda_basis("")
    for ids in batched(person.id for person in work.candidates.candidates()):
        store.wake(ids)
    store.set_agenda_basis(basis)
