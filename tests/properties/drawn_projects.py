"""The events of projects, for stories."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from eventstore import Event
from eventstore.vocabulary import projects
from eventstore.vocabulary.secrets import Sealed
from tests.properties.drawn import agents, ids, objects, texts

PROJECT, MODIFICATION = UUID(int=30 << 32 | 1), UUID(int=31 << 32 | 1)
codebases, modifications, templates = ids(30, 2), ids(31, 3), ids(32, 2)
paths = st.sampled_from(["a.py", "b.py", "c/d.py"])
files = st.dictionaries(paths, texts, max_size=2)
changed_files = st.dictionaries(paths, st.none() | texts, max_size=3)
lists = st.lists(st.sampled_from(["x>=1", "NULL", "null", 'a,"b"', "{c}", "d\\e"]), max_size=3)
scores = st.none() | st.decimals(0, 100, places=3)

BEGINNING: tuple[Event, ...] = (
    projects.ProjectCreated(project_id=PROJECT, name="n", type="api", owner_id="ann"),
    projects.ModificationRequested(
        modification_id=MODIFICATION, project_id=PROJECT, request="r", requested_by="ann"
    ),
)

EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    st.builds(
        projects.ProjectCreated,
        project_id=codebases,
        name=st.just("n"),
        type=st.just("api"),
        owner_id=agents,
        codebase=files,
        dependencies=lists,
        deployment_config=objects,
    ),
    st.builds(projects.ProjectOwnerChanged, project_id=codebases, owner_id=agents),
    st.builds(projects.CodebaseChanged, project_id=codebases, changed_files=changed_files),
    st.builds(projects.DependenciesChanged, project_id=codebases, dependencies=lists),
    st.builds(
        projects.EnvironmentChanged,
        project_id=codebases,
        environment_vars=st.dictionaries(
            st.sampled_from(["A", "B"]),
            texts | st.just(Sealed(ciphertext="AAAA", key_id="k")),
            max_size=2,
        ),
    ),
    st.builds(
        lambda coverage, **rest: projects.QualityMeasured(
            test_coverage=coverage or Decimal(0), **rest
        ),
        coverage=scores,
        project_id=codebases,
        security_score=scores,
        performance_score=scores,
    ),
    st.builds(projects.ProjectDeployed, project_id=codebases),
    st.builds(projects.ProjectArchived, project_id=codebases),
    st.builds(projects.ProjectDeleted, project_id=codebases),
    st.builds(projects.ProjectRestored, project_id=codebases),
    st.builds(
        projects.ModificationRequested,
        modification_id=modifications,
        project_id=codebases,
        request=st.just("r"),
        requested_by=agents,
        impact_analysis=objects,
        affected_files=st.lists(paths, max_size=2),
    ),
    st.builds(
        projects.ModificationAnalyzed,
        modification_id=modifications,
        impact_analysis=objects,
        affected_files=st.lists(paths, max_size=2),
    ),
    st.builds(projects.ModificationApproved, modification_id=modifications),
    st.builds(projects.ModificationRejected, modification_id=modifications),
    st.builds(
        projects.ModificationApplied,
        modification_id=modifications,
        project_id=codebases,
        modified_files=changed_files,
        test_results=objects,
    ),
    st.builds(
        projects.ModificationFailed,
        modification_id=modifications,
        project_id=codebases,
        test_results=objects,
    ),
    *(
        st.builds(
            kind,
            template_id=templates,
            name=st.just("n"),
            description=texts,
            category=st.sampled_from(["api", "data"]),
            files=files,
            required_vars=lists,
            optional_vars=lists,
            tech_stack=lists,
            tags=lists,
            estimated_setup_time=st.integers(0, 99),
            complexity=st.just("simple"),
        )
        for kind in (projects.TemplateCreated, projects.TemplateChanged)
    ),
    st.builds(projects.TemplateRemoved, template_id=templates),
)
