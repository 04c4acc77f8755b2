print("chaos-node")
