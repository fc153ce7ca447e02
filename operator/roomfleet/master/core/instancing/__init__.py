"""InstancedRooms: their instances from first join to end, their line and status."""
