"""Small valid tables to start from."""

from __future__ import annotations

from ..errors import SettingsError

KINDS = {
    "sessions": """\
session,step,strategy,model,task,security,efficiency,length
run-1,0,security-first,model-a,task-1,3.1,5.2,410
run-1,1,security-first,model-a,task-1,4.0,5.6,455
run-1,2,security-first,model-a,task-1,5.3,5.1,430
run-1,3,security-first,model-a,task-1,5.9,5.8,492
run-2,0,efficiency-first,model-a,task-2,2.4,6.8,388
run-2,1,efficiency-first,model-a,task-2,2.1,7.4,371
run-2,2,efficiency-first,model-a,task-2,3.5,6.9,402
run-2,3,efficiency-first,model-a,task-2,3.2,7.7,395
run-3,0,security-first,model-a,task-1,4.6,4.9,520
run-3,1,security-first,model-a,task-1,5.8,4.1,561
run-3,2,security-first,model-a,task-1,6.2,4.7,540
run-3,3,security-first,model-a,task-1,7.1,4.2,588
""",
    "lineage": """\
session,step,candidate,parent_step,parent_candidate,accepted,strategy,score,size
run-1,0,a,,,true,start,0.41,620
run-1,1,a,0,a,false,rewrite,0.38,655
run-1,1,b,0,a,true,repair,0.47,648
run-1,2,a,1,b,false,rewrite,0.4,702
run-1,2,b,1,b,false,repair,,711
run-1,3,a,1,b,true,repair,0.55,690
run-2,0,a,,,true,start,0.22,540
run-2,1,a,0,a,true,repair,0.35,571
run-2,1,b,0,a,false,rewrite,0.19,498
run-2,2,a,1,a,false,rewrite,0.31,633
run-2,2,b,1,a,true,repair,0.36,590
run-2,3,a,2,b,false,rewrite,0.28,615
""",
    "transitions": """\
model,strategy,state,next_state,count
model-a,refine,draft,draft,14
model-a,refine,draft,reviewed,31
model-a,refine,reviewed,draft,9
model-a,refine,reviewed,reviewed,22
model-a,refine,reviewed,done,17
model-a,refine,done,reviewed,4
""",
    "pool": """\
task,candidate,model,passed,judge_a,judge_b
task-1,0,model-a,1,8.2,0.91
task-1,1,model-a,0,6.9,0.77
task-1,2,model-a,0,3.1,0.2
task-2,0,model-a,0,7.4,0.35
task-2,1,model-a,1,7.9,0.82
task-2,2,model-a,1,6.1,0.64
task-3,0,model-a,0,2.2,0.12
task-3,1,model-a,0,5.0,0.58
task-3,2,model-a,1,9.1,0.88
""",
}


def template(kind: str) -> str:
    """Return a small valid CSV of one kind of table, to fill with one's own rows.

    Parameters
    ----------
    kind : str
        `sessions` (one row per step), `lineage` (proposals with parents and acceptance), `transitions` (counted moves
        between named states; where answers were rejected or left out, a `visits` column says how often each state was
        asked) or `pool` (candidates with verdicts). In the first two a `repeat` column may number repeated scorings
        of one artefact.

    Returns
    -------
    str
        CSV text, always the same for a kind.

    Examples
    --------
    >>> print(template("pool").splitlines()[0])
    task,candidate,model,passed,judge_a,judge_b
    """
    if kind not in KINDS:
        raise SettingsError(f"`kind` must be one of {', '.join(KINDS)}. Got {kind!r}.")
    return KINDS[kind]
