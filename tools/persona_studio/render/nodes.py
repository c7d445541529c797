"""A small helper for node materials."""

from __future__ import annotations

from typing import Any

import bpy


class NodeMaterial:
    """A material of nodes under construction. `material` is Blender's, `out` its output node."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self._tree = self.material.node_tree
        self._tree.nodes.clear()
        self.out = self.node("ShaderNodeOutputMaterial")

    def node(self, kind: str, **props: Any) -> Any:
        """Adds a node of a type, with properties."""
        nd = self._tree.nodes.new(kind)
        for k, v in props.items():
            setattr(nd, k, v)
        return nd

    def link(self, a: Any, b: Any) -> None:
        """Connects an output to an input."""
        self._tree.links.new(a, b)

    def principled(self, **inp: Any) -> Any:
        """A Principled BSDF; inputs by name with _ for a space: outputs of nodes, numbers, or RGB tuples."""
        p = self.node("ShaderNodeBsdfPrincipled")
        for k, v in inp.items():
            socket = p.inputs[k.replace("_", " ")]
            if hasattr(v, "is_output"):
                self.link(v, socket)
            else:
                colour = isinstance(v, tuple) and len(v) == 3 and socket.type == "RGBA"
                socket.default_value = (*v, 1) if colour else v
        return p

    def texture(self, im: Any, interpolation: str = "Cubic") -> Any:
        """A picture at the UVs of the surface."""
        t = self.node("ShaderNodeTexImage", interpolation=interpolation)
        t.image = im
        return t

    def math(self, op: str, a: Any, b: Any = None, c: Any = None) -> Any:
        """Output of a math node on outputs or numbers."""
        m = self.node("ShaderNodeMath", operation=op)
        for i, x in enumerate((a, b, c)):
            if x is None:
                continue
            if hasattr(x, "is_output"):
                self.link(x, m.inputs[i])
            else:
                m.inputs[i].default_value = x
        return m.outputs[0]

    def done(self, shader: Any) -> Any:
        """Connects the last shader node to the output. Returns Blender's material."""
        self.link(shader.outputs[0], self.out.inputs[0])
        return self.material
