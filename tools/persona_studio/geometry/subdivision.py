"""Catmull-Clark subdivision as a sparse matrix, and its helpers on faces."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ..arrays import Array


def catmull_clark(f: Array, n: int) -> tuple[sp.csr_matrix, Array]:
    """One Catmull-Clark step (1978) on quads f [F,4] of n vertices.

    Returns (S, faces [4F,4]): new vertices = S @ vertices, the n old ones first. Boundaries stay sharp curves. A
    triangle may be written with its last corner twice.
    """
    f = np.asarray(f)
    nf = len(f)
    e = np.stack([f, np.roll(f, -1, 1)], -1).reshape(-1, 2)
    es = np.sort(e, 1)
    uniq, inv, cnt = np.unique(es, axis=0, return_inverse=True, return_counts=True)
    inv = inv.reshape(nf, 4)
    ne = len(uniq)
    F = sp.csr_matrix((np.full(nf * 4, 0.25), (np.repeat(np.arange(nf), 4), f.ravel())), (nf, n))
    EF = sp.csr_matrix((np.ones(nf * 4), (inv.ravel(), np.repeat(np.arange(nf), 4))), (ne, nf))
    MID = sp.csr_matrix((np.full(ne * 2, 0.5), (np.repeat(np.arange(ne), 2), uniq.ravel())), (ne, n))
    inner = (cnt == 2).astype(float)
    E = sp.diags(inner) @ (MID * 0.5 + EF @ F * 0.25) + sp.diags(1 - inner) @ MID
    VF = sp.csr_matrix((np.ones(nf * 4), (f.ravel(), np.repeat(np.arange(nf), 4))), (n, nf))
    VE = sp.csr_matrix((np.ones(ne * 2), (uniq.ravel(), np.repeat(np.arange(ne), 2))), (n, ne))
    nfv = np.maximum(np.asarray(VF.sum(1)).ravel(), 1)
    nev = np.maximum(np.asarray(VE.sum(1)).ravel(), 1)
    bnd_e = (cnt == 1).astype(float)
    border = np.asarray(VE @ bnd_e[:, None]).ravel()
    onb = (border > 0).astype(float)
    same = sp.identity(n, format="csr")
    k = nev
    Vin = (
        sp.diags(1 / k) @ (sp.diags(1 / nfv) @ VF @ F)
        + sp.diags(2 / k) @ (sp.diags(1 / nev) @ VE @ MID)
        + sp.diags((k - 3) / k) @ same
    )
    Vb = same * 0.5 + sp.diags(0.5 / np.maximum(border, 1)) @ VE @ sp.diags(bnd_e) @ MID
    used = (np.asarray(VF.sum(1)).ravel() > 0).astype(float)
    V = sp.diags((1 - onb) * used) @ Vin + sp.diags(onb) @ Vb + sp.diags(1 - used) @ same
    S = sp.vstack([V, E, F]).tocsr()
    ei = inv + n
    fi = np.arange(nf) + n + ne
    q = [np.stack([f[:, i], ei[:, i], fi, ei[:, (i + 3) % 4]], 1) for i in range(4)]
    return S, np.stack(q, 1).reshape(-1, 4)


def subdivide_uv(c: Array) -> Array:
    """Linear subdivision of per-corner attributes [F,4,k] -> [4F,4,k], same face order as catmull_clark."""
    m = c.mean(1)
    q = []
    for i in range(4):
        q.append(np.stack([c[:, i], (c[:, i] + c[:, (i + 1) % 4]) / 2, m, (c[:, i] + c[:, (i + 3) % 4]) / 2], 1))
    return np.stack(q, 1).reshape(-1, 4, c.shape[2])


def laplacian(f: Array, n: int) -> sp.csr_matrix:
    """Sparse [n,n]: replaces each of n vertices by the mean of its neighbours in faces f [F,k]."""
    e = np.stack([f, np.roll(f, -1, 1)], -1).reshape(-1, 2)
    e = e[e[:, 0] != e[:, 1]]
    a = sp.coo_matrix((np.ones(len(e)), (e[:, 0], e[:, 1])), (n, n)).tocsr()
    a = ((a + a.T) > 0).astype(float)
    d = np.asarray(a.sum(1)).ravel()
    return sp.diags(1 / np.maximum(d, 1)) @ a
